-- commit.lua: record verdicts. Not fenced (rule 2, a verdict is a fact): what was answered is so, whoever owns the page
-- now. When someone else does, the page's version rises, so that the owner looks at the ledger again.
-- KEYS 1 ledger   2 tail   3 tally   4 run
-- ARGV 1 now_ms or ''   2 epoch   3 nonce   4 facts (see FACT)
-- Returns 'foreign' | 'recorded', three bytes per fact (applied, before, after), reopened
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
local answer, unsettled = record(h, ARGV[4])
local reopened = unsettled and reopen(h, KEYS[4], clock(ARGV[1]))
local owner = h.epoch == tonumber(ARGV[2]) and h.nonce == ARGV[3]
save(h, KEYS[2], KEYS[3], not owner or reopened)
return { 'recorded', answer, reopened and 1 or 0 }
