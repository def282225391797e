"""The edit that comes next, told from the edits just made: by rules, and with a chat model by that."""
