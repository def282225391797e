; === definitions
(function_declaration name: (identifier) @name body: (_) @body) @function
(method_declaration receiver: (parameter_list (parameter_declaration type: (_) @owner)) name: (field_identifier) @name body: (_) @body) @method
; A lone `type X …` is the whole declaration, one of a group (`type ( … )`) its own lines.
((type_declaration (type_spec name: (type_identifier) @name type: (struct_type (field_declaration_list) @body))) @struct (#not-match? @struct "^type[ \t]*[(]"))
(type_declaration "(" (type_spec name: (type_identifier) @name type: (struct_type (field_declaration_list) @body)) @struct)
((type_declaration (type_spec name: (type_identifier) @name type: (interface_type))) @interface (#not-match? @interface "^type[ \t]*[(]"))
(type_declaration "(" (type_spec name: (type_identifier) @name type: (interface_type)) @interface)
((type_declaration (type_spec name: (type_identifier) @name)) @type (#not-match? @type "^type[ \t]*[(]"))
((type_declaration (type_alias name: (type_identifier) @name)) @type (#not-match? @type "^type[ \t]*[(]"))
(type_declaration "(" (type_spec name: (type_identifier) @name) @type)
(type_declaration "(" (type_alias name: (type_identifier) @name) @type)
(field_declaration name: (field_identifier) @name) @field
(field_declaration !name type: (type_identifier) @name) @field
(field_declaration !name type: (qualified_type name: (type_identifier) @name)) @field
(field_declaration !name type: (generic_type type: (type_identifier) @name)) @field
(method_elem name: (field_identifier) @name) @method
(const_spec name: (identifier) @name) @constant
(const_declaration "const" . (const_spec name: (identifier) @name)) @constant
(var_declaration "var" . (var_spec name: (identifier) @name)) @variable
(var_spec name: (identifier) @name) @variable

; === references
(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(selector_expression field: (field_identifier) @attribute)
(type_identifier) @type
(identifier) @name
(field_identifier) @attribute
(parameter_declaration name: (identifier) @skip)
(variadic_parameter_declaration name: (identifier) @skip)
(keyed_element key: (literal_element (identifier) @attribute))

; === imports
(import_spec path: (_) @module)
(import_spec name: (package_identifier) @alias path: (_) @module)
(import_spec name: (dot) @name path: (_) @module)

; === bindings
(parameter_declaration name: (identifier) @parameter)
(variadic_parameter_declaration name: (identifier) @parameter)
(short_var_declaration left: (expression_list (identifier) @variable))
(range_clause left: (expression_list (identifier) @variable))
(var_spec name: (identifier) @variable)
(const_spec name: (identifier) @constant)
(function_declaration name: (identifier) @function)
(type_spec name: (type_identifier) @type)
(import_spec path: (_) @path)
(import_spec name: (package_identifier) @module)
(function_declaration) @scope
(method_declaration) @scope
(func_literal) @scope

; === calls
(call_expression function: (_) @function arguments: (_) @arguments)
