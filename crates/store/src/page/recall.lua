-- recall.lua: rule 9, when Redis loses acknowledged writes. An owner, or who was one, tells again what the ledger no longer
-- knows: which attempts were begun, and what became of them. Not fenced, as commit is not; what somebody else has
-- begun is unsure, as after a takeover.
-- KEYS 1 ledger   2 tail   3 tally   4 run
-- ARGV 1 now_ms or ''   2 epoch   3 nonce   4 marks: index, attempt, number, when begun (<BBBd)   5 facts (see FACT)
-- Returns 'foreign' | 'recorded', three bytes per fact (applied, before, after), reopened, ledger
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
local owner = h.epoch == tonumber(ARGV[2]) and h.nonce == ARGV[3]
local from, marked = 1, false
while from <= #ARGV[4] do
  local index, attempt, number, at
  index, attempt, number, at, from = struct.unpack('<BBBd', ARGV[4], from)
  local r = row(h, index)
  if attempt > r.used then
    start(h, index, r, attempt, owner and BEGUN or UNSURE, number, at)
    refold(h, index, r)
    marked = true
  end
end
local answer, unsettled = record(h, ARGV[5])
local reopened = (unsettled or marked) and reopen(h, KEYS[4], clock(ARGV[1]))
save(h, KEYS[2], KEYS[3], not owner or reopened)
return { 'recorded', answer, reopened and 1 or 0, redis.call('GET', KEYS[1]) }
