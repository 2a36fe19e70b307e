#!/bin/sh
# Starts one command per branch, those of a phase at the same time, and lands a phase before the next one begins.
# The command finds its brief on standard input, and works in the branch's work tree: sh THIS claude -p
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
{% for agent in phase | agents if agent[0].set_up %}
[ -e {{ agent[0].work_tree | quote }} ] || {{ agent[0].set_up }} || exit
{% endfor %}
{% for agent in phase | agents %}
{% set text %}
{% for brief in agent %}
{% include "brief.md" %}

{% endfor %}
{% endset %}
start {{ agent[0].work_tree | quote }} {{ text | trim | quote }} "$@"
{% endfor %}
finish
{% if not loop.last %}
{{ (["gitbot", "integrate"] + phase | branches) | shell }} || exit
{% endif %}
{% endfor %}
