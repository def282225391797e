; === definitions
(class_declaration name: (identifier) @name body: (_) @body) @class
(record_declaration name: (identifier) @name body: (_) @body) @class
(interface_declaration name: (identifier) @name body: (_) @body) @interface
(annotation_type_declaration name: (identifier) @name body: (_) @body) @interface
(enum_declaration name: (identifier) @name body: (_) @body) @enum
(enum_constant name: (identifier) @name) @constant
(method_declaration name: (identifier) @name body: (_) @body) @method
(method_declaration name: (identifier) @name) @method
(constructor_declaration name: (identifier) @name body: (_) @body) @constructor
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @field
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @constant

; === references
(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
(method_reference (identifier) @call .)
(field_access field: (identifier) @attribute)
(type_identifier) @type
(marker_annotation name: (identifier) @type)
(annotation name: (identifier) @type)
(identifier) @name
(formal_parameter name: (identifier) @skip)
(spread_parameter (variable_declarator name: (identifier) @skip))
(catch_formal_parameter name: (identifier) @skip)
(type_parameter (type_identifier) @skip)
(package_declaration (_) @skip)
(scoped_identifier scope: (identifier) @skip)
(element_value_pair key: (identifier) @skip)

; === imports
(import_declaration (scoped_identifier scope: (_) @module name: (identifier) @name) .)
(import_declaration (_) @module (asterisk) @name)

; === bindings
(formal_parameter name: (identifier) @parameter)
(spread_parameter (variable_declarator name: (identifier) @parameter))
(catch_formal_parameter name: (identifier) @parameter)
(lambda_expression parameters: (identifier) @parameter)
(inferred_parameters (identifier) @parameter)
(local_variable_declaration declarator: (variable_declarator name: (identifier) @variable))
(enhanced_for_statement name: (identifier) @variable)
(resource name: (identifier) @variable)
(field_declaration declarator: (variable_declarator name: (identifier) @field))
(method_declaration name: (identifier) @method)
(class_declaration name: (identifier) @class)
(interface_declaration name: (identifier) @interface)
(enum_declaration name: (identifier) @enum)
(record_declaration name: (identifier) @class)
(import_declaration (scoped_identifier name: (identifier) @import))
(class_declaration) @scope
(interface_declaration) @scope
(enum_declaration) @scope
(record_declaration) @scope
(method_declaration) @scope
(constructor_declaration) @scope
(lambda_expression) @scope

; === calls
(method_invocation name: (_) @function arguments: (_) @arguments)
(object_creation_expression type: (_) @function arguments: (_) @arguments)
