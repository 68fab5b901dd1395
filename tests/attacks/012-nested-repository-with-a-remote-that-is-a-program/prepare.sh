. "$CASE/../nested.sh"
nested
hostile protocol.ext.allow always
hostile remote.origin.url "ext::$TRAP %S"
hostile remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
hostile branch.main.remote origin
hostile branch.main.merge refs/heads/main
