; Captures of `definitions` are named after `SymbolKind`; `@name` is the name, `@body` where the head ends.
; === definitions
(class_definition name: (identifier) @name body: (_) @body) @class
(function_definition name: (identifier) @name body: (_) @body) @function
(decorated_definition definition: (class_definition name: (identifier) @name)) @class
(decorated_definition definition: (function_definition name: (identifier) @name)) @function
(type_alias_statement left: (type (identifier) @name)) @type
(assignment left: (identifier) @name) @variable
(assignment left: (pattern_list (identifier) @name)) @variable
(assignment left: (tuple_pattern (identifier) @name)) @variable
(assignment left: (attribute object: (identifier) @self attribute: (identifier) @name)) @member

; === references
(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))
(decorator (identifier) @call)
(decorator (attribute attribute: (identifier) @call))
(attribute attribute: (identifier) @attribute)
(type (identifier) @type)
(type (attribute attribute: (identifier) @type))
(type (generic_type (identifier) @type))
(class_definition superclasses: (argument_list (identifier) @type))
(class_definition superclasses: (argument_list (attribute attribute: (identifier) @type)))
(identifier) @name
(keyword_argument name: (identifier) @skip)
(parameters (identifier) @skip)
(lambda_parameters (identifier) @skip)
(default_parameter name: (identifier) @skip)
(typed_parameter . (identifier) @skip)
(typed_parameter (list_splat_pattern (identifier) @skip))
(typed_parameter (dictionary_splat_pattern (identifier) @skip))
(typed_default_parameter name: (identifier) @skip)
(parameters (list_splat_pattern (identifier) @skip))
(parameters (dictionary_splat_pattern (identifier) @skip))
(lambda_parameters (list_splat_pattern (identifier) @skip))
(lambda_parameters (dictionary_splat_pattern (identifier) @skip))
(aliased_import alias: (identifier) @skip)
(import_statement name: (dotted_name (identifier) @skip))
(import_statement name: (aliased_import name: (dotted_name (identifier) @skip)))
(import_from_statement module_name: (dotted_name (identifier) @skip))
(import_from_statement module_name: (relative_import (dotted_name (identifier) @skip)))
(future_import_statement (dotted_name (identifier) @skip))

; === imports
(import_statement name: (dotted_name) @module)
(import_statement name: (aliased_import name: (dotted_name) @module alias: (identifier) @alias))
(import_from_statement module_name: (_) @module name: (dotted_name) @name)
(import_from_statement module_name: (_) @module name: (aliased_import name: (dotted_name) @name alias: (identifier) @alias))
(import_from_statement module_name: (_) @module (wildcard_import) @name)
(future_import_statement "__future__" @module name: (dotted_name) @name)

; === bindings
(parameters (identifier) @parameter)
(lambda_parameters (identifier) @parameter)
(default_parameter name: (identifier) @parameter)
(typed_parameter . (identifier) @parameter)
(typed_parameter (list_splat_pattern (identifier) @parameter))
(typed_parameter (dictionary_splat_pattern (identifier) @parameter))
(typed_default_parameter name: (identifier) @parameter)
(list_splat_pattern (identifier) @parameter)
(dictionary_splat_pattern (identifier) @parameter)
(assignment left: (_) @target)
(for_statement left: (_) @target)
(for_in_clause left: (_) @target)
(named_expression name: (identifier) @variable)
(as_pattern_target (identifier) @variable)
(function_definition name: (identifier) @function)
(class_definition name: (identifier) @class)
(import_statement name: (dotted_name . (identifier) @module))
(import_statement name: (aliased_import alias: (identifier) @module))
(import_from_statement name: (dotted_name) @import)
(import_from_statement name: (aliased_import alias: (identifier) @import))
(case_pattern (dotted_name . (identifier) @variable .))
(function_definition) @scope
(lambda) @scope
(class_definition) @scope
(list_comprehension) @scope
(set_comprehension) @scope
(dictionary_comprehension) @scope
(generator_expression) @scope

; === calls
(call function: (_) @function arguments: (_) @arguments)
