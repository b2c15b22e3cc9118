mkdir -p g1; echo x >g1/other
hooks="$(git rev-parse --git-common-dir)/hooks"; mkdir -p "$hooks"
printf '#!/bin/sh\nmkdir -p g1; echo "done g1" >g1/work\n' >"$hooks/post-checkout"; chmod +x "$hooks/post-checkout"
