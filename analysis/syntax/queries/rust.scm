; === definitions
(function_item name: (identifier) @name body: (_) @body) @function
(function_signature_item name: (identifier) @name) @function
(struct_item name: (type_identifier) @name body: (_) @body) @struct
(struct_item name: (type_identifier) @name) @struct
(union_item name: (type_identifier) @name body: (_) @body) @struct
(enum_item name: (type_identifier) @name body: (_) @body) @enum
(enum_variant name: (identifier) @name) @constant
(trait_item name: (type_identifier) @name body: (_) @body) @interface
(type_item name: (type_identifier) @name) @type
(mod_item name: (identifier) @name body: (_) @body) @module
(macro_definition name: (identifier) @name) @function
(const_item name: (identifier) @name) @constant
(static_item name: (identifier) @name) @variable
(field_declaration name: (field_identifier) @name) @field
(impl_item type: (type_identifier) @name) @scope
(impl_item type: (generic_type type: (type_identifier) @name)) @scope

; === references
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(macro_invocation macro: (identifier) @call)
(field_expression field: (field_identifier) @attribute)
(type_identifier) @type
(identifier) @name
(field_identifier) @attribute
(shorthand_field_identifier) @attribute
(parameter pattern: (identifier) @skip)
(parameter pattern: (mut_pattern (identifier) @skip))
(type_parameter name: (type_identifier) @skip)
(use_as_clause alias: (identifier) @skip)
(use_declaration argument: (scoped_identifier path: (identifier) @skip))

; === imports
(use_declaration argument: (scoped_identifier path: (_) @module name: (_) @name))
(use_declaration argument: (identifier) @module)
(use_declaration argument: (use_as_clause path: (scoped_identifier path: (_) @module name: (_) @name) alias: (_) @alias))
(use_declaration argument: (scoped_use_list path: (_) @module list: (use_list [(identifier) (scoped_identifier) (self)] @name)))
(use_declaration argument: (scoped_use_list path: (_) @module list: (use_list (use_as_clause path: (_) @name alias: (_) @alias))))
(use_declaration argument: (use_wildcard (_) @module) @name)

; === bindings
(parameter pattern: (identifier) @parameter)
(parameter pattern: (mut_pattern (identifier) @parameter))
(closure_parameters (identifier) @parameter)
(let_declaration pattern: (_) @target)
(for_expression pattern: (_) @target)
(function_item name: (identifier) @function)
(struct_item name: (type_identifier) @struct)
(enum_item name: (type_identifier) @enum)
(trait_item name: (type_identifier) @interface)
(const_item name: (identifier) @constant)
(static_item name: (identifier) @variable)
(macro_definition name: (identifier) @function)
(use_declaration argument: (scoped_identifier name: (identifier) @import))
(use_list (identifier) @import)
(use_as_clause alias: (identifier) @import)
(function_item) @scope
(closure_expression) @scope
(impl_item) @scope
(trait_item) @scope
(mod_item) @scope

; === calls
(call_expression function: (_) @function arguments: (_) @arguments)
