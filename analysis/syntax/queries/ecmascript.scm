; What JavaScript, TypeScript and TSX share.
; === definitions
(function_declaration name: (identifier) @name body: (_) @body) @function
(generator_function_declaration name: (identifier) @name body: (_) @body) @function
(export_statement declaration: (function_declaration name: (identifier) @name)) @function
(export_statement declaration: (generator_function_declaration name: (identifier) @name)) @function
(class_declaration name: (_) @name body: (_) @body) @class
(export_statement declaration: (class_declaration name: (_) @name)) @class
(method_definition name: (_) @name body: (_) @body) @method
(variable_declarator name: (identifier) @name value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @class
(lexical_declaration (variable_declarator name: (identifier) @name)) @variable
(variable_declaration (variable_declarator name: (identifier) @name)) @variable
(export_statement declaration: (lexical_declaration (variable_declarator name: (identifier) @name))) @variable
(assignment_expression left: (member_expression object: (this) @self property: (property_identifier) @name)) @member
(assignment_expression left: (member_expression object: (identifier) @owner property: (property_identifier) @name) right: [(function_expression body: (_) @body) (arrow_function body: (_) @body)]) @function
(assignment_expression left: (member_expression object: (member_expression object: (identifier) @owner) property: (property_identifier) @name) right: (function_expression body: (_) @body)) @function
(arrow_function body: (statement_block)) @local
(function_expression) @local

; === references
(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (property_identifier) @call))
(member_expression property: (property_identifier) @attribute)
(member_expression property: (private_property_identifier) @attribute)
(identifier) @name
(shorthand_property_identifier) @name
(arrow_function parameter: (identifier) @skip)
(catch_clause parameter: (identifier) @skip)
(namespace_import (identifier) @skip)
(import_specifier alias: (identifier) @skip)

; === imports
(import_statement (import_clause (identifier) @default) source: (string) @module)
(import_statement (import_clause (namespace_import (identifier) @alias)) source: (string) @module)
(import_statement (import_clause (named_imports (import_specifier name: (_) @name))) source: (string) @module)
(import_statement (import_clause (named_imports (import_specifier name: (_) @name alias: (_) @alias))) source: (string) @module)
(import_statement . "import" . source: (string) @module)
(export_statement (export_clause (export_specifier name: (_) @name)) source: (string) @module)
(export_statement (export_clause (export_specifier name: (_) @name alias: (_) @alias)) source: (string) @module)
(export_statement "*" @name source: (string) @module)
(export_statement (namespace_export (identifier) @alias) source: (string) @module)
(variable_declarator name: (identifier) @alias value: (call_expression function: (identifier) @require arguments: (arguments . (string) @module)))
(variable_declarator name: (object_pattern (shorthand_property_identifier_pattern) @name) value: (call_expression function: (identifier) @require arguments: (arguments . (string) @module)))

; === bindings
(arrow_function parameter: (identifier) @parameter)
(catch_clause parameter: (_) @parameter)
(variable_declarator name: (_) @target)
(for_in_statement left: (_) @target)
(function_declaration name: (identifier) @function)
(generator_function_declaration name: (identifier) @function)
(class_declaration name: (_) @class)
(import_statement (import_clause (identifier) @import))
(import_statement (import_clause (namespace_import (identifier) @module)))
(import_statement (import_clause (named_imports (import_specifier name: (identifier) @import !alias))))
(import_statement (import_clause (named_imports (import_specifier alias: (identifier) @import))))
(function_declaration) @scope
(generator_function_declaration) @scope
(function_expression) @scope
(arrow_function) @scope
(method_definition) @scope
(class_declaration) @scope

; === calls
(call_expression function: (_) @function arguments: (arguments) @arguments)
(new_expression constructor: (_) @function arguments: (arguments) @arguments)
