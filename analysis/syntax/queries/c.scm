; What C and C++ share.
; === definitions
(function_definition declarator: (function_declarator declarator: (identifier) @name) body: (_) @body) @function
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)) body: (_) @body) @function
(function_definition declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) body: (_) @body) @function
(declaration declarator: (function_declarator declarator: (identifier) @name)) @function
(declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @function
(struct_specifier name: (type_identifier) @name body: (_) @body) @struct
(union_specifier name: (type_identifier) @name body: (_) @body) @struct
(enum_specifier name: (type_identifier) @name body: (_) @body) @enum
(enumerator name: (identifier) @name) @constant
(type_definition declarator: (type_identifier) @name) @type
(type_definition type: (struct_specifier body: (_)) declarator: (type_identifier) @name) @type
(preproc_def name: (identifier) @name) @constant
(preproc_function_def name: (identifier) @name) @function
(field_declaration declarator: (field_identifier) @name) @field
(field_declaration declarator: (pointer_declarator declarator: (field_identifier) @name)) @field
(field_declaration declarator: (array_declarator declarator: (field_identifier) @name)) @field
(declaration declarator: (init_declarator declarator: (identifier) @name)) @variable
(declaration declarator: (identifier) @name) @variable
(declaration declarator: (init_declarator declarator: (pointer_declarator declarator: (identifier) @name))) @variable
(declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @variable

; === references
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(field_expression field: (field_identifier) @attribute)
(type_identifier) @type
(identifier) @name
(field_identifier) @attribute
(parameter_declaration declarator: (identifier) @skip)
(parameter_declaration declarator: (pointer_declarator declarator: (identifier) @skip))
(parameter_declaration declarator: (pointer_declarator declarator: (pointer_declarator declarator: (identifier) @skip)))
(parameter_declaration declarator: (array_declarator declarator: (identifier) @skip))
(preproc_params (identifier) @skip)

; === imports
(preproc_include path: (_) @module)

; === bindings
(parameter_declaration declarator: (identifier) @parameter)
(parameter_declaration declarator: (pointer_declarator declarator: (identifier) @parameter))
(parameter_declaration declarator: (array_declarator declarator: (identifier) @parameter))
(declaration declarator: (identifier) @variable)
(declaration declarator: (pointer_declarator declarator: (identifier) @variable))
(declaration declarator: (array_declarator declarator: (identifier) @variable))
(init_declarator declarator: (identifier) @variable)
(init_declarator declarator: (pointer_declarator declarator: (identifier) @variable))
(init_declarator declarator: (array_declarator declarator: (identifier) @variable))
(function_declarator declarator: (identifier) @function)
(struct_specifier name: (type_identifier) @struct)
(enum_specifier name: (type_identifier) @enum)
(enumerator name: (identifier) @constant)
(type_definition declarator: (type_identifier) @type)
(preproc_def name: (identifier) @constant)
(preproc_function_def name: (identifier) @function)
(function_definition) @scope
(struct_specifier body: (_)) @scope

; === calls
(call_expression function: (_) @function arguments: (_) @arguments)
