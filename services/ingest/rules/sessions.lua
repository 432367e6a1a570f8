#!lua name=tidemark_sessions

-- Tells for events that were given without a session in which session of their person each is: sessions are named by the time of
-- their first event. All times are microseconds of event time.
-- KEYS: visits, one for each person; each holds the name, the first and the last time of the running session
-- ARGV: inactivity, then for each person the number of events and their times, earliest first
-- Returns, for each event in this order, the time of the first event of its session.
local function visit(key, inactivity, args, from, to, found)
  local running = redis.call('GET', key)
  local name, first, last
  if running then
    name, first, last = string.match(running, '^(%d+) (%d+) (%d+)$')
    first, last = tonumber(first), tonumber(last)
  end
  local late, latest
  for index = from, to do
    local at = tonumber(args[index])
    if name and at < first - inactivity then
      -- Of a session before the running one, which is known no more: late events have sessions among themselves.
      if not late or at > latest + inactivity then late = args[index] end
      latest = at
      found[#found + 1] = late
    else
      if not name or at > last + inactivity then
        name, first, last = args[index], at, at
      end
      first, last = math.min(first, at), math.max(last, at)
      found[#found + 1] = name
    end
  end
  -- Kept twice as long, for what comes later than it happened: by its time it may still be of this session.
  redis.call('SET', key, string.format('%s %.0f %.0f', name, first, last), 'PX', math.ceil(inactivity / 500))
end

local function visits(keys, args)
  local inactivity, from, found = tonumber(args[1]), 2, {}
  for _, key in ipairs(keys) do
    local to = from + tonumber(args[from])
    visit(key, inactivity, args, from + 1, to, found)
    from = to + 1
  end
  return found
end

redis.register_function('tidemark_visits', visits)
