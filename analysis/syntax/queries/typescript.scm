; === definitions
(abstract_class_declaration name: (_) @name body: (_) @body) @class
(export_statement declaration: (abstract_class_declaration name: (_) @name)) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(export_statement declaration: (interface_declaration name: (_) @name)) @interface
(type_alias_declaration name: (_) @name) @type
(export_statement declaration: (type_alias_declaration name: (_) @name)) @type
(enum_declaration name: (_) @name body: (_) @body) @enum
(export_statement declaration: (enum_declaration name: (_) @name)) @enum
(enum_body (property_identifier) @name @constant)
(enum_assignment name: (property_identifier) @name) @constant
(internal_module name: (_) @name body: (_) @body) @module
(module name: (_) @name body: (_) @body) @module
(public_field_definition name: (_) @name) @field
(required_parameter (accessibility_modifier) pattern: (identifier) @name) @member
(required_parameter . "readonly" pattern: (identifier) @name) @member
(optional_parameter (accessibility_modifier) pattern: (identifier) @name) @member
(optional_parameter . "readonly" pattern: (identifier) @name) @member
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(property_signature name: (_) @name) @field
(function_signature name: (identifier) @name) @function

; === references
(type_identifier) @type
(class_heritage (extends_clause value: (identifier) @type))
(class_heritage (extends_clause value: (member_expression property: (property_identifier) @type)))
(type_parameter name: (type_identifier) @skip)
(required_parameter pattern: (identifier) @skip)
(optional_parameter pattern: (identifier) @skip)
(required_parameter pattern: (rest_pattern (identifier) @skip))

; === imports
(import_statement (import_require_clause (identifier) @alias source: (string) @module))

; === bindings
(required_parameter pattern: (_) @parameter)
(optional_parameter pattern: (_) @parameter)
(interface_declaration name: (_) @interface)
(type_alias_declaration name: (_) @type)
(enum_declaration name: (_) @enum)
(abstract_class_declaration name: (_) @class)
(type_parameter name: (type_identifier) @type)
