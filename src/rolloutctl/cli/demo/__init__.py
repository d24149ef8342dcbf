"""The story `rolloutctl demo` tells: every line of it is a real command on a real sandbox."""
