// Messages: their frame, which is the header, the names and the counts of four sections.
#include "weft/net/dns/message.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "dns/message_front.hpp"
#include "dns/record.hpp"
#include "weft/net/dns/name.hpp"

namespace weft::inline v0 {

namespace net::dns {

namespace {

using detail::wire_reader;

constexpr std::size_t size_limit = 65'535;
constexpr std::size_t record_size_min = 11;

// Where the header has the flags, and how many records are in each section but the questions.
constexpr std::size_t flags_at = 2;
constexpr std::array<std::size_t, 3> counts_at{6, 8, 10};
constexpr unsigned tc_flag = 0x0200;

void read_edns(wire_reader& reader, message& into) {
  constexpr auto what = "an OPT record";
  if (into.edns) reader.refuse(what, "there is one already");
  edns read;
  read.udp_size = reader.u16(what);
  std::uint32_t const flags = reader.u32(what);
  into.rcode = static_cast<rcode>(static_cast<unsigned>(into.rcode) | flags >> 24 << 4);
  read.version = static_cast<std::uint8_t>(flags >> 16);
  read.dnssec_ok = (flags & 0x8000) != 0;
  auto const options = reader.bytes(reader.u16(what), what);
  read.options.assign(options.begin(), options.end());
  into.edns = std::move(read);
}

// Reads a record into `section`, which is null for one that may not be there: an OPT record belongs
// to the message.
void read_record(wire_reader& reader, detail::record_data_reader& data, message& into,
                 std::vector<record>& section) {
  constexpr auto what = "a record";
  auto const name = reader.name("the name of a record");
  record read;
  read.type = static_cast<type>(reader.u16(what));
  if (read.type == type::opt) {
    if (&section != &into.additionals || name.bytes().size() != 1)
      reader.refuse("an OPT record", "it belongs to the root, among the additional ones");
    return read_edns(reader, into);
  }
  read.name = name.text();
  read.record_class = static_cast<record_class>(reader.u16(what));
  std::uint32_t const ttl = reader.u32(what);
  // What would be negative means 0 (RFC 2181, section 8).
  read.ttl = std::chrono::seconds(ttl <= 0x7fff'ffff ? ttl : 0);
  std::size_t const size = reader.u16(what);
  data.read(reader, size, read);
  section.push_back(std::move(read));
}

// Writes what stands in a message, and where names are that later ones may end with.
class writer {
 public:
  writer() { bytes_.reserve(512); }

  void u16(std::uint64_t value) {
    bytes_.push_back(static_cast<std::byte>(value >> 8));
    bytes_.push_back(static_cast<std::byte>(value));
  }
  void u32(std::uint64_t value) {
    u16(value >> 16);
    u16(value);
  }
  void bytes(std::span<std::byte const> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }

  // One that no other can end with, since there is none.
  void only_name(std::string_view text) { bytes(detail::to_wire_name(text).bytes()); }

  // Only names in the same case are one, so that the case stays.
  void name(std::string_view text) {
    auto const whole = detail::to_wire_name(text);
    auto rest = whole.bytes();
    while (rest.size() > 1) {
      std::string ending(reinterpret_cast<char const*>(rest.data()), rest.size());
      if (bytes_.size() < 0x4000) {
        auto const [place, is_new] = places_.try_emplace(std::move(ending), bytes_.size());
        if (!is_new) return u16(0xc000 | place->second);
      } else if (auto const place = places_.find(ending); place != places_.end()) {
        return u16(0xc000 | place->second);
      }
      std::size_t const size = std::to_integer<std::size_t>(rest[0]) + 1;
      bytes(rest.first(size));
      rest = rest.subspan(size);
    }
    bytes_.push_back(std::byte{0});
  }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  // Takes the end back. No name may follow: places in it are still known.
  void shrink(std::size_t size) { bytes_.resize(size); }
  void set_u16(std::size_t at, std::uint64_t value) {
    bytes_[at] = static_cast<std::byte>(value >> 8);
    bytes_[at + 1] = static_cast<std::byte>(value);
  }
  [[nodiscard]] std::uint64_t u16_at(std::size_t at) const {
    return std::to_integer<std::uint64_t>(bytes_[at]) << 8 |
           std::to_integer<std::uint64_t>(bytes_[at + 1]);
  }
  std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
  std::unordered_map<std::string, std::size_t> places_;
};

unsigned flags_of(message const& value) noexcept {
  auto const bit = [](bool on, unsigned mask) { return on ? mask : 0; };
  return bit(value.qr, 0x8000) | (static_cast<unsigned>(value.opcode) & 0xf) << 11 |
         bit(value.aa, 0x0400) | bit(value.tc, tc_flag) | bit(value.rd, 0x0100) |
         bit(value.ra, 0x0080) | bit(value.ad, 0x0020) | bit(value.cd, 0x0010) |
         (static_cast<unsigned>(value.rcode) & 0xf);
}

void write_record(writer& to, record const& written) {
  if (written.rdata.size() > size_limit)
    throw std::invalid_argument(fmt::format("weft: a DNS record of {} with {} bytes of data",
                                            written.name, written.rdata.size()));
  to.name(written.name);
  to.u16(static_cast<unsigned>(written.type));
  to.u16(static_cast<unsigned>(written.record_class));
  to.u32(static_cast<std::uint64_t>(std::clamp<std::int64_t>(written.ttl.count(), 0, 0x7fff'ffff)));
  to.u16(written.rdata.size());
  to.bytes(written.rdata);
}

std::size_t size_of(std::optional<edns> const& written) {
  return written ? record_size_min + written->options.size() : 0;
}

void write_edns(writer& to, message const& value) {
  edns const& written = *value.edns;
  to.name(".");
  to.u16(static_cast<unsigned>(type::opt));
  to.u16(written.udp_size);
  to.u32(std::uint64_t{static_cast<unsigned>(value.rcode) >> 4 & 0xff} << 24 |
         std::uint64_t{written.version} << 16 | (written.dnssec_ok ? 0x8000u : 0u));
  to.u16(written.options.size());
  to.bytes(written.options);
  to.set_u16(counts_at[2], to.u16_at(counts_at[2]) + 1);
}

// Writes as many records as leave the message within `size_max`; yields how many.
std::size_t write_section(writer& to, std::vector<record> const& section, std::size_t size_max) {
  for (std::size_t count = 0; count < section.size(); ++count) {
    std::size_t const before = to.size();
    write_record(to, section[count]);
    if (to.size() <= size_max) continue;
    to.shrink(before);
    return count;
  }
  return section.size();
}

}  // namespace

message make_query(std::string_view name, type asked, record_class in_class) {
  message made;
  made.questions.push_back({.name = parse_name(name), .type = asked, .record_class = in_class});
  made.edns.emplace();
  return made;
}

std::vector<std::byte> encode(message const& value, std::size_t size_max) {
  std::array const sections{&value.answers, &value.authorities, &value.additionals};
  bool countable = value.questions.size() <= size_limit;
  for (auto const* section : sections) countable = countable && section->size() < size_limit;
  if (!countable)
    throw std::invalid_argument("weft: a DNS message with more records than it can count");

  writer to;
  to.u16(value.id);
  to.u16(flags_of(value));
  to.u16(value.questions.size());
  for ([[maybe_unused]] auto const at : counts_at) to.u16(0);
  bool const is_question_alone =
      value.questions.size() == 1 && std::ranges::all_of(sections, &std::vector<record>::empty);
  for (auto const& asked : value.questions) {
    if (is_question_alone)
      to.only_name(asked.name);
    else
      to.name(asked.name);
    to.u16(static_cast<unsigned>(asked.type));
    to.u16(static_cast<unsigned>(asked.record_class));
  }
  std::size_t const room = std::min(size_max, size_limit);
  std::size_t const edns_size = size_of(value.edns);
  if (to.size() + edns_size > room)
    throw std::invalid_argument(
        fmt::format("weft: a DNS message of {} bytes has no room for its questions", room));

  bool complete = true;
  for (std::size_t i = 0; i < sections.size() && complete; ++i) {
    std::size_t count = write_section(to, *sections[i], room - edns_size);
    complete = count == sections[i]->size();
    // What is missing of the additional records is no loss (RFC 2181, section 9).
    if (!complete && sections[i] != &value.additionals)
      to.set_u16(flags_at, flags_of(value) | tc_flag);
    to.set_u16(counts_at[i], count);
  }
  if (value.edns) write_edns(to, value);
  return std::move(to).take();
}

message decode(std::span<std::byte const> bytes) {
  wire_reader reader(bytes);
  auto header = detail::read_header(reader);
  auto const& counts = header.counts;
  message& read = header.message;
  for (unsigned i = 0; i < counts[0]; ++i) {
    auto const asked = detail::read_question(reader);
    read.questions.push_back(
        {.name = asked.name.text(), .type = asked.type, .record_class = asked.record_class});
  }
  detail::record_data_reader data;
  std::array const sections{&read.answers, &read.authorities, &read.additionals};
  for (std::size_t i = 0; i < sections.size(); ++i) {
    sections[i]->reserve(std::min<std::size_t>(counts[i + 1], reader.left() / record_size_min));
    for (unsigned left = counts[i + 1]; left > 0; --left)
      read_record(reader, data, read, *sections[i]);
  }
  if (reader.left() != 0) reader.refuse("the end", "more bytes follow");
  return std::move(header.message);
}

}  // namespace net::dns

}  // namespace weft::inline v0
