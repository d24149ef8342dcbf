#compdef rolloutctl

_rolloutctl_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _ROLLOUTCTL_COMPLETE=complete_zsh rolloutctl)
}

compdef _rolloutctl_completion rolloutctl
if [ "$funcstack[1]" = "_rolloutctl" ]; then
  _rolloutctl_completion
fi
