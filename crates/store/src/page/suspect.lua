-- suspect.lua: rule 9, when Redis loses acknowledged writes. Marks attempts that may have gone out though the ledger
-- does not know of them: unsure, on the page's home number. Then the page's owners have worked on this server. Without
-- intents, an owner that knows all there is to know says just that.
-- KEYS 1 ledger   2 tail   3 tally
-- ARGV 1 epoch   2 nonce   3 when they count as begun, in ms   4 until when there is doubt, in ms, or ''
--      5 intents: index, attempt, expected standing, number (a byte each; the number is not used)
-- Returns 'foreign' | 'outranked' | 'marked', ledger
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.epoch ~= tonumber(ARGV[1]) or h.nonce ~= ARGV[2] then return { 'outranked' } end
local at = tonumber(ARGV[3])
for from = 1, #ARGV[5], 4 do
  local index, attempt, expected = string.byte(ARGV[5], from, from + 2)
  local r = row(h, index)
  -- A repeat finds the attempt there.
  if r.standing == expected and r.used == attempt - 1 then
    start(h, index, r, attempt, UNSURE, h.home, at)
    refold(h, index, r)
  end
end
save_rows(h, KEYS[2], KEYS[3])
local _, doubt = struct.unpack(SERVER, redis.call('GETRANGE', KEYS[1], SERVER_AT, HEADER - 1))
if ARGV[4] ~= '' then doubt = math.max(doubt, offset(h, tonumber(ARGV[4]))) end
redis.call('SETRANGE', KEYS[1], SERVER_AT, struct.pack(SERVER, this_server(), doubt))
return { 'marked', redis.call('GET', KEYS[1]) }
