; === definitions
(class_declaration name: (identifier) @name body: (_) @body) @class
(record_declaration name: (identifier) @name) @class
(struct_declaration name: (identifier) @name body: (_) @body) @struct
(interface_declaration name: (identifier) @name body: (_) @body) @interface
(enum_declaration name: (identifier) @name body: (_) @body) @enum
(enum_member_declaration name: (identifier) @name) @constant
(namespace_declaration name: (_) @name body: (_) @body) @module
(method_declaration name: (identifier) @name body: (_) @body) @method
(method_declaration name: (identifier) @name) @method
(local_function_statement name: (identifier) @name body: (_) @body) @function
(constructor_declaration name: (identifier) @name body: (_) @body) @constructor
(property_declaration name: (identifier) @name accessors: (_) @body) @property
(property_declaration name: (identifier) @name) @property
(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @field
(field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @field
(delegate_declaration name: (identifier) @name) @type

; === references
(invocation_expression function: (identifier) @call)
(invocation_expression function: (member_access_expression name: (identifier) @call))
(invocation_expression function: (member_access_expression name: (generic_name (identifier) @call)))
(invocation_expression function: (generic_name (identifier) @call))
(object_creation_expression type: (identifier) @call)
(object_creation_expression type: (generic_name (identifier) @call))
(member_access_expression name: (identifier) @attribute)
(parameter type: (identifier) @type)
(variable_declaration type: (identifier) @type)
(method_declaration returns: (identifier) @type)
(property_declaration type: (identifier) @type)
(base_list (identifier) @type)
(base_list (generic_name (identifier) @type))
(type_argument_list (identifier) @type)
(attribute name: (identifier) @type)
(generic_name (identifier) @type)
(identifier) @name
(parameter name: (identifier) @skip)
(type_parameter name: (identifier) @skip)
(namespace_declaration name: (_) @skip)
(file_scoped_namespace_declaration name: (_) @skip)

; === imports
(using_directive (qualified_name) @module)
(using_directive . (identifier) @module .)
(using_directive name: (identifier) @alias (qualified_name) @module)

; === bindings
(parameter name: (identifier) @parameter)
(local_declaration_statement (variable_declaration (variable_declarator name: (identifier) @variable)))
(foreach_statement left: (identifier) @variable)
(catch_declaration name: (identifier) @variable)
(using_statement (variable_declaration (variable_declarator name: (identifier) @variable)))
(for_statement (variable_declaration (variable_declarator name: (identifier) @variable)))
(field_declaration (variable_declaration (variable_declarator name: (identifier) @field)))
(property_declaration name: (identifier) @property)
(method_declaration name: (identifier) @method)
(local_function_statement name: (identifier) @function)
(class_declaration name: (identifier) @class)
(interface_declaration name: (identifier) @interface)
(struct_declaration name: (identifier) @struct)
(enum_declaration name: (identifier) @enum)
(class_declaration) @scope
(interface_declaration) @scope
(struct_declaration) @scope
(enum_declaration) @scope
(method_declaration) @scope
(constructor_declaration) @scope
(local_function_statement) @scope
(lambda_expression) @scope

; === calls
(invocation_expression function: (_) @function arguments: (_) @arguments)
(object_creation_expression type: (_) @function arguments: (_) @arguments)
