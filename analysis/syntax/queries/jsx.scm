; === definitions
