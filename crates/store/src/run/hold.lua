-- hold.lua: pause or resume a run for one reason. Several reasons may hold at once; begin reads them all.
-- KEYS 1 run
-- ARGV 1 field   2 '1' | '0'
-- Returns 1, or 0 when the run is over or unknown.
local state = redis.call('HGET', KEYS[1], 'state')
if not state or state == 'closed' or state == 'cancelled' then return 0 end
if ARGV[2] == '1' then
  redis.call('HSET', KEYS[1], ARGV[1], '1')
else
  redis.call('HDEL', KEYS[1], ARGV[1])
  -- An open run waits for nobody but who let it go on: its canary had failed.
  if ARGV[1] == 'hold:run' and state == 'open' then redis.call('HDEL', KEYS[1], 'waits_for') end
end
return 1
