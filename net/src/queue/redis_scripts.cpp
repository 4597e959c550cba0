// See redis_scripts.hpp. A task is an entry of the stream `tasks`, pending in the group `workers`
// while somebody has it:
//
//   v  its value
//   i  its id, unless that is the entry's, n how often it was delivered as earlier entries, and
//   e  what its last worker said: of a task that has failed before
//
// A failed one is packed as {i, n, v, e} in the sorted set `delayed` until the time that is its
// score, in milliseconds of the server's clock. A result is an entry of `results`, pending in
// `takers` until it is confirmed: i, k (done or dead), v and e.
#include "queue/redis_scripts.hpp"

#include <openssl/evp.h>

#include <array>
#include <span>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::inline v0::detail {

namespace {

// What the scripts share.
constexpr std::string_view prelude = R"lua(
local tasks, results, delayed, dead, closed = unpack(KEYS)

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- {name, value, name, value, ...} as a table.
local function fields_of(list)
  local fields = {}
  for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
  return fields
end

local function pending(entry)
  local row = redis.call('XPENDING', tasks, 'workers', entry, entry, 1)[1]
  if row then return {consumer = row[2], count = row[4]} end
end

-- Whether that delivery is the consumer's still: nobody has claimed the entry since, not even it.
local function is_held(consumer, entry, count)
  local found = pending(entry)
  return found and found.consumer == consumer and found.count == tonumber(count)
end

-- This comes before what is added in its place: it needs no memory, and a script that has written
-- may go on to write when the server's memory is used up. So tasks can end then.
local function remove(entry)
  redis.call('XACK', tasks, 'workers', entry)
  redis.call('XDEL', tasks, entry)
end

local function bury(entry, id, value, error, capacity)
  remove(entry)
  redis.call('XADD', dead, 'MAXLEN', '~', capacity, '*', 'i', id, 'v', value, 'e', error)
  redis.call('XADD', results, '*', 'i', id, 'k', 'dead', 'v', value, 'e', error)
end

local function is_done()
  return redis.call('EXISTS', closed) == 1 and redis.call('XLEN', tasks) == 0
    and redis.call('ZCARD', delayed) == 0
end
)lua";

// Yields the ids of the tasks at the front that there was room for; or the status `closed`; or
// `full`, when they must not wait and there is no room for all.
//   ARGV: capacity, wait or refuse, seconds that keys are known, then of each task: value, whether
//   it has a key. KEYS from the sixth on: those keys.
constexpr std::string_view put = R"lua(
local capacity, at_limit, known_for = unpack(ARGV, 1, 3)
if redis.call('EXISTS', closed) == 1 then return redis.status_reply('closed') end
local room = tonumber(capacity) - redis.call('XLEN', tasks) - redis.call('ZCARD', delayed)
  - redis.call('XLEN', results)
if at_limit == 'refuse' then
  local added = (#ARGV - 3) / 2
  if #KEYS > 5 then added = added - redis.call('EXISTS', unpack(KEYS, 6)) end
  if added > room then return redis.status_reply('full') end
end
local ids, next_key = {}, 6
for i = 4, #ARGV, 2 do
  local key
  if ARGV[i + 1] == '1' then key, next_key = KEYS[next_key], next_key + 1 end
  local id = key and redis.call('GET', key)
  if not id then
    if room <= 0 then break end
    id = redis.call('XADD', tasks, '*', 'v', ARGV[i])
    if key then redis.call('SET', key, id, 'EX', known_for) end
    room = room - 1
  end
  ids[#ids + 1] = id
end
return ids
)lua";

// Yields the ids of the tasks that were not the consumer's any more.
//   ARGV: consumer, then of each task: entry, count, id, result.
constexpr std::string_view ack = R"lua(
local lost = {}
for i = 2, #ARGV, 4 do
  local entry, count, id, result = unpack(ARGV, i, i + 3)
  if is_held(ARGV[1], entry, count) then
    remove(entry)
    redis.call('XADD', results, '*', 'i', id, 'k', 'done', 'v', result, 'e', '')
  else
    lost[#lost + 1] = id
  end
end
return lost
)lua";

// Yields whether the task was the consumer's still.
//   ARGV: consumer, entry, count, id, deliveries in all, attempts, delay, error, capacity.
constexpr std::string_view fail = R"lua(
local consumer, entry, count, id, deliveries, attempts, delay, error, capacity = unpack(ARGV)
if not is_held(consumer, entry, count) then return 0 end
local task = redis.call('XRANGE', tasks, entry, entry)[1]
local value = task and fields_of(task[2]).v or ''
if tonumber(deliveries) >= tonumber(attempts) then
  bury(entry, id, value, error, capacity)
else
  remove(entry)
  local packed = cmsgpack.pack({id, tonumber(deliveries), value, error})
  redis.call('ZADD', delayed, now() + delay, packed)
end
return 1
)lua";

// Leases begin anew, of those that are the consumer's still. JUSTID counts no delivery.
//   ARGV: consumer, then of each task: entry, count.
constexpr std::string_view extend = R"lua(
for i = 2, #ARGV, 2 do
  if is_held(ARGV[1], ARGV[i], ARGV[i + 1]) then
    redis.call('XCLAIM', tasks, 'workers', ARGV[1], 0, ARGV[i], 'JUSTID')
  end
end
return 1
)lua";

// These deliveries reached nobody: they do not count, and the leases are over at once.
//   ARGV: consumer, lease, then of each task: entry, count.
constexpr std::string_view release = R"lua(
for i = 3, #ARGV, 2 do
  if is_held(ARGV[1], ARGV[i], ARGV[i + 1]) then
    redis.call('XCLAIM', tasks, 'workers', ARGV[1], 0, ARGV[i], 'IDLE', ARGV[2],
      'RETRYCOUNT', ARGV[i + 1] - 1, 'JUSTID')
  end
end
return 1
)lua";

// Makes ready what is due. Yields in how many milliseconds something is due next, -1 for never; and
// whether no task will ever come again.
//   ARGV: how many at most.
constexpr std::string_view advance = R"lua(
local time = now()
local due = redis.call('ZRANGE', delayed, '-inf', time, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, packed in ipairs(due) do
  local id, deliveries, value, error = unpack(cmsgpack.unpack(packed))
  redis.call('ZREM', delayed, packed)
  redis.call('XADD', tasks, '*', 'v', value, 'i', id, 'n', deliveries, 'e', error)
end
local later = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
return {later and math.max(0, later - time) or -1, is_done() and 1 or 0}
)lua";

// Claims tasks whose leases are over, and buries those that were delivered often enough. Looks at a
// part of those that are leased, at a thousand or so; yields where to go on, and of each task that
// it found: entry, fields, count.
//   ARGV: consumer, lease, where to begin, how many at most, attempts, capacity.
constexpr std::string_view reclaim = R"lua(
local consumer, lease, cursor, most, attempts, capacity = unpack(ARGV)
local found, looks = {}, math.max(1, 100 / most)  -- Redis looks at 10 for each that is wanted
repeat
  local claimed = redis.call('XAUTOCLAIM', tasks, 'workers', consumer, lease, cursor, 'COUNT', most)
  cursor, looks = claimed[1], looks - 1
  for _, each in ipairs(claimed[2]) do
    local entry, task, count = each[1], fields_of(each[2]), pending(each[1]).count
    if (task.n or 0) + count > tonumber(attempts) then
      local error = task.e and task.e ~= '' and task.e or 'its workers have gone'
      bury(entry, task.i or entry, task.v or '', error, capacity)
    else
      found[#found + 1] = {entry, each[2], count}
    end
  end
until #found > 0 or cursor == '0-0' or looks <= 0
return {cursor, found}
)lua";

// Yields how many are ready, delayed, leased, dead, and results that nobody has taken.
constexpr std::string_view depth = R"lua(
local leased = redis.call('XPENDING', tasks, 'workers')[1]
local taken = redis.call('XPENDING', results, 'takers')[1]
return {redis.call('XLEN', tasks) - leased, redis.call('ZCARD', delayed), leased,
  redis.call('XLEN', dead), redis.call('XLEN', results) - taken}
)lua";

// The taker of these results has not gone.
//   ARGV: consumer, entries.
constexpr std::string_view extend_results = R"lua(
for i = 2, #ARGV do
  local row = redis.call('XPENDING', results, 'takers', ARGV[i], ARGV[i], 1)[1]
  if row and row[2] == ARGV[1] then
    redis.call('XCLAIM', results, 'takers', ARGV[1], 0, ARGV[i], 'JUSTID')
  end
end
return 1
)lua";

//   ARGV: entries.
constexpr std::string_view confirm_results = R"lua(
redis.call('XACK', results, 'takers', unpack(ARGV))
redis.call('XDEL', results, unpack(ARGV))
return 1
)lua";

constexpr std::string_view has_no_more_results = R"lua(
return is_done() and redis.call('XLEN', results) == 0 and 1 or 0
)lua";

// Redis keeps the names of consumers for ever. Those that have nothing, and have asked for nothing
// for so long, are taken for gone; one that has not makes itself known again when it next asks.
//   ARGV: milliseconds.
constexpr std::string_view forget_consumers = R"lua(
local function forget(stream, group)
  for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local consumer = fields_of(each)
    if consumer.pending == 0 and consumer.idle > tonumber(ARGV[1]) then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer.name)
    end
  end
end
forget(tasks, 'workers')
forget(results, 'takers')
return 1
)lua";

std::string sha1_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("weft: OpenSSL does not compute SHA-1 here");
  return fmt::format("{:02x}", fmt::join(std::span(digest).first(size), ""));
}

}  // namespace

redis_script::redis_script(std::string_view body)
    : text_(std::string(prelude) + std::string(body)), digest_(sha1_of(text_)) {}

redis_scripts const& redis_scripts::all() {
  static redis_scripts const made{.put = redis_script(detail::put),
                                  .ack = redis_script(detail::ack),
                                  .fail = redis_script(detail::fail),
                                  .extend = redis_script(detail::extend),
                                  .release = redis_script(detail::release),
                                  .advance = redis_script(detail::advance),
                                  .reclaim = redis_script(detail::reclaim),
                                  .depth = redis_script(detail::depth),
                                  .extend_results = redis_script(detail::extend_results),
                                  .confirm_results = redis_script(detail::confirm_results),
                                  .has_no_more_results = redis_script(detail::has_no_more_results),
                                  .forget_consumers = redis_script(detail::forget_consumers)};
  return made;
}

}  // namespace weft::inline v0::detail
