git config remote.origin.uploadpack "$TRAP"
