; === definitions
(class_specifier name: (type_identifier) @name body: (_) @body) @class
(template_declaration (class_specifier name: (type_identifier) @name)) @class
(template_declaration (struct_specifier name: (type_identifier) @name)) @struct
(template_declaration (function_definition declarator: (function_declarator declarator: (identifier) @name))) @function
(namespace_definition name: (namespace_identifier) @name body: (_) @body) @module
(function_definition declarator: (function_declarator declarator: (field_identifier) @name) body: (_) @body) @method
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (field_identifier) @name)) body: (_) @body) @method
(function_definition declarator: (reference_declarator (function_declarator declarator: (field_identifier) @name)) body: (_) @body) @method
(function_definition declarator: (reference_declarator (function_declarator declarator: (identifier) @name)) body: (_) @body) @function
(function_definition declarator: (function_declarator declarator: (qualified_identifier scope: (_) @owner name: (identifier) @name)) body: (_) @body) @method
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (qualified_identifier scope: (_) @owner name: (identifier) @name))) body: (_) @body) @method
(function_definition declarator: (reference_declarator (function_declarator declarator: (qualified_identifier scope: (_) @owner name: (identifier) @name))) body: (_) @body) @method
(function_definition declarator: (function_declarator declarator: (qualified_identifier scope: (_) @owner name: (destructor_name) @name)) body: (_) @body) @method
(function_definition declarator: (function_declarator declarator: (destructor_name) @name) body: (_) @body) @method
(function_definition declarator: (function_declarator declarator: (operator_name) @name) body: (_) @body) @method
(field_declaration declarator: (function_declarator declarator: (field_identifier) @name)) @method
(field_declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (field_identifier) @name))) @method
(field_declaration declarator: (reference_declarator (function_declarator declarator: (field_identifier) @name))) @method
(field_declaration declarator: (reference_declarator (field_identifier) @name)) @field
(alias_declaration name: (type_identifier) @name) @type

; === references
(call_expression function: (qualified_identifier name: (identifier) @call))
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @call)))
(namespace_identifier) @name
(parameter_declaration declarator: (reference_declarator (identifier) @skip))
(optional_parameter_declaration declarator: (identifier) @skip)
(type_parameter_declaration (type_identifier) @skip)

; === imports
(using_declaration (qualified_identifier scope: (_) @module name: (_) @name))
(using_declaration "namespace" (_) @module)

; === bindings
(parameter_declaration declarator: (reference_declarator (identifier) @parameter))
(optional_parameter_declaration declarator: (identifier) @parameter)
(init_declarator declarator: (reference_declarator (identifier) @variable))
(for_range_loop declarator: (identifier) @variable)
(for_range_loop declarator: (reference_declarator (identifier) @variable))
(class_specifier name: (type_identifier) @class)
(namespace_definition name: (namespace_identifier) @module)
(alias_declaration name: (type_identifier) @type)
(function_declarator declarator: (field_identifier) @method)
(field_declaration declarator: (field_identifier) @field)
(class_specifier body: (_)) @scope
(lambda_expression) @scope
