; === definitions
(field_definition property: (_) @name) @field

; === references
(class_heritage (identifier) @type)
(class_heritage (member_expression property: (property_identifier) @type))
(formal_parameters (identifier) @skip)
(formal_parameters (assignment_pattern left: (identifier) @skip))
(formal_parameters (rest_pattern (identifier) @skip))

; === bindings
(formal_parameters (identifier) @parameter)
(formal_parameters (assignment_pattern left: (_) @parameter))
(formal_parameters (rest_pattern (_) @parameter))
(formal_parameters (object_pattern) @parameter)
(formal_parameters (array_pattern) @parameter)
