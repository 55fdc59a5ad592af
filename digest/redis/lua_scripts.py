"""Lua scripts that Redis runs atomically."""

# Redis expires keys by the wall clock: one that lives for longer than it was given is of a clock that was ahead.
# Acquires or renews the lead. Returns its term, which increases with every new holder, or 0 where another leads.
ACQUIRE_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('GET', KEYS[2]) or 1)
elseif holder and redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
"""
# Takes a turn, or returns the milliseconds to wait. The first turn ever waits too: the time of the last is unknown.
TAKE_TURN = """
local holder = redis.call('GET', KEYS[1])
if holder then return math.max(redis.call('PTTL', KEYS[1]), 1) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[2]))
if not last or last > now then
  redis.call('SET', KEYS[2], now)
  last = now
end
local wait = last + ARGV[2] - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], now)
return 0
"""
END_TURN = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
redis.call('SET', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('DEL', KEYS[1])
"""
# Sets a mark. Returns 0 where it is set already.
SET_MARK = """
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('PTTL', KEYS[1]) <= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
"""
RELEASE_LEAD = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

# A bucket is stored as the instant at which it will be full again. It is at most one burst and a minute in the future,
# because a clock that is set back must not stop a domain for an hour.
TAKE_TOKENS = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local rate, burst, wanted, anyway = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
full = math.min(full, now + burst / rate + 60)
local free = math.max(math.floor((now - full) * rate + burst + 1e-6), 0)
local granted = anyway and wanted or math.min(wanted, free)
if granted > 0 then
  full = full + granted / rate
  redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000) + 1000)
end
local left = math.max(math.floor((now - full) * rate + burst + 1e-6), 0)
local wait = left > 0 and 0 or full - now - (burst - 1) / rate
return {granted, free, tostring(wait)}
"""
RESERVE_SLOTS = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local rate, count, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local start = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + longest)
local over = start + count / rate
redis.call('SET', KEYS[1], string.format('%.6f', over), 'PX', math.ceil((over - now) * 1000))
return tostring(start - now)
"""
