-- edit.lua: changes what a run is, while it waits for freeze. A freeze that has read it before is refused by the count.
-- KEYS 1 run
-- ARGV 1 how often it was edited when the editor read it ('' for never)   2 how often it is then   3 the record as it is to be
-- Returns 1 when it is that now, 0 when freeze or another editor was first.
local kept = redis.call('HMGET', KEYS[1], 'state', 'edits', 'record')
if kept[1] ~= 'scheduled' then return 0 end
if kept[2] == ARGV[2] and kept[3] == ARGV[3] then return 1 end
if (kept[2] or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[3], 'edits', ARGV[2], 'waits_for', '')
return 1
