-- renew.lua: the owner looks after its page: is it still the owner, has the ledger moved, does the run still send?
-- KEYS 1 ledger   2 run
-- ARGV 1 now_ms or ''   2 epoch   3 nonce
-- Returns 'foreign' | 'outranked' | 'owned', now_ms, version, finished, gate
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.epoch ~= tonumber(ARGV[2]) or h.nonce ~= ARGV[3] then return { 'outranked' } end
local now = clock(ARGV[1])
return { 'owned', now, h.version, h.flags, (gate(h, KEYS[2], now)) }
