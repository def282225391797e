; === definitions
(module name: (_) @name body: (_) @body) @module
(class name: (_) @name body: (_) @body) @class
(class name: (_) @name) @class
(method name: (_) @name body: (_) @body) @method
(method name: (_) @name) @method
(singleton_method name: (_) @name body: (_) @body) @method
(singleton_method name: (_) @name) @method
(assignment left: (constant) @name) @constant
(assignment left: (instance_variable) @name) @member
(assignment left: (class_variable) @name) @member

; === references
(call receiver: (_) method: [(identifier) (constant)] @call)
(call method: [(identifier) (constant)] @call)
(constant) @type
(identifier) @name
(instance_variable) @attribute
(method_parameters (identifier) @skip)
(method_parameters (optional_parameter name: (identifier) @skip))
(method_parameters (keyword_parameter name: (identifier) @skip))
(method_parameters (splat_parameter name: (identifier) @skip))
(method_parameters (block_parameter name: (identifier) @skip))
(block_parameters (identifier) @skip)

; === imports
(call method: (identifier) @require arguments: (argument_list . (string (string_content) @module)))

; === bindings
(method_parameters (identifier) @parameter)
(method_parameters (optional_parameter name: (identifier) @parameter))
(method_parameters (keyword_parameter name: (identifier) @parameter))
(method_parameters (splat_parameter name: (identifier) @parameter))
(method_parameters (block_parameter name: (identifier) @parameter))
(block_parameters (identifier) @parameter)
(assignment left: (identifier) @variable)
(assignment left: (left_assignment_list (identifier) @variable))
(assignment left: (constant) @constant)
(for pattern: (identifier) @variable)
(exception_variable (identifier) @variable)
(method name: (identifier) @method)
(singleton_method name: (identifier) @method)
(class name: (constant) @class)
(module name: (constant) @module)
(method) @scope
(singleton_method) @scope
(class) @scope
(module) @scope
(do_block) @scope
(block) @scope

; === calls
(call method: (_) @function arguments: (_) @arguments)
