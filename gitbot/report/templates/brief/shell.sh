#!/bin/sh
# Starts one command per plan, the plans of a phase at the same time, and lands a phase before the next one begins.
# The command finds its brief on standard input, and works in the plan's work tree: sh THIS claude -p
# For a command that takes it as an argument: sh THIS sh -c 'agent "$(cat)"'
set -u
[ $# -gt 0 ] || { echo "usage: sh $0 COMMAND [ARGUMENT]..." >&2; exit 2; }
pids= failed=0
trap 'kill $pids 2>/dev/null; wait; exit 130' INT TERM HUP

{% set papers = briefs.context %}
{% set text %}{% include "context.md" %}{% endset %}
context={{ text | quote }}
# start TREE BRIEF COMMAND...: brief and output lie beside the work tree
start() {
    tree=$1 brief=$2
    shift 2
    printf '%s\n%s\n' "$brief" "$context" >"$tree.brief.md"
    (cd "$tree" && exec "$@" <"$tree.brief.md") >"$tree.log" 2>&1 &
    pids="$pids $!"
    echo "started in $tree, output in $tree.log"
}
finish() {
    for pid in $pids; do wait "$pid" || failed=1; done
    pids=
    [ $failed = 0 ] || { echo "an agent failed: see the logs" >&2; exit 1; }
}
{% for phase in briefs.phases %}

# Phase {{ phase[0].phase }} of {{ phase[0].phases }}
{% for brief in phase if brief.set_up %}
[ -e {{ brief.work_tree | quote }} ] || {{ brief.set_up }} || exit
{% endfor %}
{% for brief in phase %}
{% set text %}{% include "brief.md" %}{% endset %}
start {{ brief.work_tree | quote }} {{ text | trim | quote }} "$@"
{% endfor %}
finish
{% if not loop.last %}
{{ (["gitbot", "integrate"] + phase | map(attribute="branch") | list) | shell }} || exit
{% endif %}
{% endfor %}
