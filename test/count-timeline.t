#!/bin/sh
# SPDX-License-Identifier: MIT
# The timeline of a quality: holes, overlaps and what a cutter would join, over
# the hours; every figure worked out by hand.
. "${0%/*}/lib.sh"

case_dir 'holes and the tolerance'
at 02 '00:00 2 full, 00:02.010000 2 full, 00:04.020001 2 full,
    00:08.020001 2 full'
report
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration]' '[8,2,2.010001]'
is '.raw.holes | map(del(.known))' '[{"start":"2025-11-15T02:00:04.010000Z",'\
'"end":"2025-11-15T02:00:04.020001Z","duration":0.010001},'\
'{"start":"2025-11-15T02:00:06.020001Z",'\
'"end":"2025-11-15T02:00:08.020001Z","duration":2}]'
is '.raw.longest_hole == .raw.holes[1]' true
is '.raw == .editable' true
is '[.raw.ratio, .hours[0].raw.hole_count]' '[0.7992,2]'
is '.hours[0].raw.holes == .raw.holes' true
report -t 0
is '[.raw.hole_count, .raw.hole_duration, .raw.holes[0].duration]' \
    '[3,2.020001,0.01]'
report -t 2
is '[.raw.hole_count, .raw.hole_duration, .raw.ratio]' '[0,0,1]'
report -t 1.999999
is '[.raw.hole_count, .raw.hole_duration]' '[1,2]'

case_dir 'the earliest of the longest'
at 02 '00:00 2 full, 00:03 2 full, 00:07 2 full, 00:11 2 full'
report
is '.raw.longest_hole | del(.known)' '{"start":"2025-11-15T02:00:05.000000Z",'\
'"end":"2025-11-15T02:00:07.000000Z","duration":2}'

case_dir 'overlaps and the tolerance'
at 02 '00:00 2 full, 00:01.990000 2 suspect, 00:03.979999 2 partial,
    00:04 1 full'
report
is .overlaps '{"full":{"count":1,"duration":1},'\
'"suspect":{"count":0,"duration":0},'\
'"partial":{"count":1,"duration":0.010001}}'
is '[.raw.coverage, .raw.hole_count, .raw.ratio]' '[5.979999,0,1]'
report -t 0
is '[.overlaps[] | .count]' '[1,1,1]'
is '[.overlaps[] | .duration]' '[1,0.01,0.010001]'

case_dir 'a segment inside a longer one'
at 02 '00:00 10 full, 00:02 1 full, 00:10 2 full'
report
is '[.raw.coverage, .raw.hole_count, .overlaps.full]' \
    '[12,0,{"count":1,"duration":1}]'
is '[.editable.coverage, .editable.hole_count]' '[12,0]'

case_dir 'editable: what a cutter would join'
at 02 '00:00 4 full, 00:03 3 full, 00:06 2 full'
report
is '[.raw.coverage, .raw.hole_count, .raw.ratio]' '[8,0,1]'
is '[.editable.coverage, .editable.hole_count, .editable.ratio]' '[6,1,0.75]'
is '.editable.holes | map(del(.known))' '[{"start":"2025-11-15T02:00:04.000000Z",'\
'"end":"2025-11-15T02:00:06.000000Z","duration":2}]'
is '.hours[0].editable | del(.holes)' \
    '{"coverage":6,"hole_count":1,"hole_duration":2}'

case_dir 'editable: one that was left out does not count'
at 02 '00:00 4 full, 00:03 2 full, 00:04 2 full'
report
is '[.raw.coverage, .editable.coverage, .editable.hole_count]' '[6,6,0]'
is .overlaps.full '{"count":2,"duration":2}'

case_dir 'editable within the tolerance'
at 02 '00:00 2 full, 00:01.990000 2 full'
report
is '[.raw.coverage, .editable.coverage]' '[3.99,4]'
report -t 0
is '[.editable.coverage, .editable.hole_count]' '[2,0]'

case_dir 'a zero-length segment'
at 02 '00:00 2 full, 00:01 0 full, 00:05 0 suspect, 00:09 1 full'
report
is '[.raw.coverage, .raw.hole_count, .raw.hole_duration]' '[3,2,7]'
is .overlaps.full '{"count":1,"duration":0}'
is '[.incomplete.count, .incomplete.duration, .incomplete.spans]' '[1,0,[]]'

case_dir 'all holes and no coverage'
at 02 '00:00 0 full, 00:05 0 full'
report
is '[.raw.coverage, .raw.hole_duration, .raw.ratio]' '[0,5,0]'

case_dir 'a ratio is rounded down'
at 02 '00:00 3600 full'
at 03 '00:00.000001 3599 full'
report
is '[.raw.hole_count, .raw.ratio]' '[0,1]'
report -t 0
is '[.raw.hole_count, .raw.hole_duration == 0.000001, .raw.ratio]' \
    '[1,true,0.999999]'

# Over the hour

case_dir 'one hole over the hour'
at 02 '59:58 1 full'
at 03 '00:05 2 full'
report
is '.raw.holes | map(del(.known))' '[{"start":"2025-11-15T02:59:59.000000Z",'\
'"end":"2025-11-15T03:00:05.000000Z","duration":6}]'
is '[.hours[] | .raw | [.hole_count, .hole_duration]]' '[[1,1],[1,5]]'
is '.hours[1].raw.holes | map(del(.known))' '[{"start":"2025-11-15T03:00:00.000000Z",'\
'"end":"2025-11-15T03:00:05.000000Z","duration":5}]'
is '.missing_hours.count' 0

case_dir 'a hole that ends with the hour'
at 02 '59:56 2 full'
at 03 '00:00 2 full'
report
is '[.hours[] | .raw | [.hole_count, .hole_duration]]' '[[1,2],[0,0]]'

case_dir 'a segment over the hour'
at 02 '59:58 5 full'
at 03 '00:05 2 full'
report
is '.raw.holes | map(del(.known))' '[{"start":"2025-11-15T03:00:03.000000Z",'\
'"end":"2025-11-15T03:00:05.000000Z","duration":2}]'
is '[.hours[] | [.end, .raw.coverage, .raw.hole_count]]' \
    '[["2025-11-15T03:00:03.000000Z",5,0],["2025-11-15T03:00:07.000000Z",2,1]]'

case_dir 'an overlap over the hour is the later one'
at 02 '59:58 5 full'
at 03 '00:00 6 suspect'
report
is '[.hours[] | [.overlaps.full.count, .overlaps.suspect.duration,
    .raw.coverage, .editable.coverage]]' '[[0,0,5,5],[0,3,3,0]]'
is '[.raw.coverage, .editable.coverage, .raw.hole_count,
    .editable.hole_count]' '[8,5,0,0]'

case_dir 'a microsecond over the hour'
at 02 '59:58 1.999999 full'
at 03 '00:00 2 full'
report
is .raw.hole_count 0
report -t 0
is '[.raw.hole_count, .raw.hole_duration == 0.000001,
    .hours[0].raw.hole_count, .hours[1].raw.hole_count]' '[1,true,1,0]'

case_dir 'missing hours'
at 00
at 02 '59:00 60 full'
at 04
at 05 '00:00 2 full'
at 06 '00:00 2 temp'
at 07 '00:00 2 full'
tomb 00:00 2 full
at 08
: >"$hour/bad.ts"
hour ch/source/2025-11-16T01
seg 00:00 2.0 full
hour ch/source/2025-11-16T05
report --now 2025-11-17
is_status 0
is .missing_hours '{"count":21,"ranges":['\
'{"first":"2025-11-15T03","last":"2025-11-15T04","count":2},'\
'{"first":"2025-11-15T06","last":"2025-11-16T00","count":19}]}'
is '[.raw.hole_count, .raw.hole_duration]' '[2,79198]'
is '[.hours[] | [.hour[8:], .raw.hole_count, .raw.hole_duration, .start]]' \
    '[["15T00",0,0,null],'\
'["15T02",0,0,"2025-11-15T02:59:00.000000Z"],["15T04",1,3600,null],'\
'["15T05",1,3598,"2025-11-15T05:00:00.000000Z"],["15T06",1,3600,null],'\
'["15T07",1,3600,null],["15T08",1,3600,null],'\
'["16T01",0,0,"2025-11-16T01:00:00.000000Z"],["16T05",0,0,null]]' \
    'before the first segment and after the last nothing is a hole'

case_dir 'an hour that is missing and covered'
at 02 '59:59 3600 full'
at 04 '00:00 2 full'
report
is '[.missing_hours.count, .raw.hole_count, .raw.hole_duration]' '[1,1,1]'

done_testing
