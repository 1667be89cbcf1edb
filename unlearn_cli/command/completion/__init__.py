"""What TAB offers in bash, zsh and fish. Silent wherever there is nothing to say."""
