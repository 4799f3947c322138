-- receipt.lua: record what status webhooks told of a page's attempts, in any order and repetition. When that was news
-- the page's version rises, so that its owner looks at the ledger again.
-- KEYS 1 ledger   2 tail   3 tally   4 run
-- ARGV 1 now_ms or ''   2 facts (see FACT)
-- Returns 'foreign' | 'recorded', three bytes per fact (applied, before, after), reopened
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
local answer, unsettled = record(h, ARGV[2])
local reopened = unsettled and reopen(h, KEYS[4], clock(ARGV[1]))
save(h, KEYS[2], KEYS[3], true)
return { 'recorded', answer, reopened and 1 or 0 }
