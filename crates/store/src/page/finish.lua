-- finish.lua: set the page's mark when nothing in it is left to do. Rule 5, finish is the ledger's word, not the owner's: refused, with
-- the indexes, while anything is unsettled.
-- KEYS 1 ledger   2 tail   3 run
-- ARGV 1 now_ms or ''   2 epoch   3 nonce   4 a byte per index that the policy leaves unconfirmed
-- Returns 'foreign' | 'outranked' | 'finished' | 'unsettled', indexes (a byte each)
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.epoch ~= tonumber(ARGV[2]) or h.nonce ~= ARGV[3] then return { 'outranked' } end
local left = {}
for at = 1, #ARGV[4] do left[string.byte(ARGV[4], at)] = true end
local waits = may_begin(h, KEYS[3], clock(ARGV[1]))
local unsettled = {}
for index = 0, h.count - 1 do
  local standing = row(h, index).standing
  local planned = standing == PLANNED or standing == RETRYING
  if (planned and waits) or standing == SENDING or (standing == UNCONFIRMED and not left[index]) then
    unsettled[#unsettled + 1] = string.char(index)
  end
end
if #unsettled > 0 then return { 'unsettled', table.concat(unsettled) } end
if h.flags ~= FINISHED then
  h.flags = FINISHED
  save_header(h)
  -- Redis doubles the room of a string that is appended to. Hardly anything will be any more.
  redis.call('SET', KEYS[2], redis.call('GET', KEYS[2]))
end
return { 'finished' }
