// Records: what is inside, and as lines of zone files.
//
// ldns knows the fields of each type, and their text. Cutting the data into fields is done here and
// not by its ldns_wire2rr: that follows up to 65,535 pointers for each name, lets a name end behind
// the data that it is in, and takes as much memory for each string of a TXT record as for the whole
// record, which for one message is 4 GiB.
#include "dns/record.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>

#include <fmt/format.h>

#include "address_text.hpp"
#include "dns/name.hpp"
#include "weft/net/address.hpp"

namespace weft::inline v0 {

namespace detail {

namespace {

using net::dns::record;
using net::dns::type;

constexpr auto what = "the data of a record";
constexpr type nsap_ptr{23};  // has a name (RFC 1348); ldns takes that for a string

ldns_rdf_type field_kind(ldns_rr_descriptor const* form, std::size_t index, type of) noexcept {
  if (of == nsap_ptr) return LDNS_RDF_TYPE_DNAME;
  return ::ldns_rr_descriptor_field_type(form, index);
}

// In updates, records of these classes may have no data, and stand for others (RFC 2136, section
// 2.4).
bool is_of_no_one(net::dns::record_class of) noexcept {
  return of == net::dns::record_class::any || of == net::dns::record_class::none;
}

// How many bytes a field takes that begins with `rest`; not of a name. It may be more than there
// are.
std::size_t field_size(ldns_rdf_type kind, std::span<std::byte const> rest) noexcept {
  auto const u8 = [rest](std::size_t at) -> std::size_t {
    return at < rest.size() ? std::to_integer<std::size_t>(rest[at]) : 0;
  };
  switch (kind) {
    case LDNS_RDF_TYPE_INT8:
    case LDNS_RDF_TYPE_ALG:
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
    case LDNS_RDF_TYPE_SELECTOR:
    case LDNS_RDF_TYPE_MATCHING_TYPE: return 1;
    case LDNS_RDF_TYPE_INT16:
    case LDNS_RDF_TYPE_CLASS:
    case LDNS_RDF_TYPE_TYPE:
    case LDNS_RDF_TYPE_CERT_ALG: return 2;
    case LDNS_RDF_TYPE_INT32:
    case LDNS_RDF_TYPE_A:
    case LDNS_RDF_TYPE_TIME:
    case LDNS_RDF_TYPE_PERIOD: return 4;
    case LDNS_RDF_TYPE_TSIGTIME:
    case LDNS_RDF_TYPE_EUI48: return 6;
    case LDNS_RDF_TYPE_ILNP64:
    case LDNS_RDF_TYPE_EUI64: return 8;
    case LDNS_RDF_TYPE_AAAA: return 16;
    case LDNS_RDF_TYPE_STR:
    case LDNS_RDF_TYPE_TAG:
    case LDNS_RDF_TYPE_NSEC3_SALT:
    case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
    case LDNS_RDF_TYPE_B32_EXT: return 1 + u8(0);
    case LDNS_RDF_TYPE_INT16_DATA: return 2 + (u8(0) << 8 | u8(1));
    case LDNS_RDF_TYPE_HIP: return 4 + u8(0) + (u8(2) << 8 | u8(3));
    default: return rest.size();
  }
}

// Whether a text is asked for at all. Each port in a WKS record would be looked for in
// /etc/services; and ldns 1.8.3 loses memory when it refuses the others to read.
bool may_have_text(ldns_rdf_type kind, std::span<std::byte const> bytes) noexcept {
  switch (kind) {
    case LDNS_RDF_TYPE_UNKNOWN:  // ldns reads it as the data as a whole, not as a field
    case LDNS_RDF_TYPE_WKS:
    case LDNS_RDF_TYPE_IPSECKEY:
    case LDNS_RDF_TYPE_AMTRELAY: return false;
    case LDNS_RDF_TYPE_CERT_ALG: return bytes[0] != std::byte{0} || bytes[1] != std::byte{0};
    default: return true;
  }
}

// Whether ldns reads every text that it writes for such a field, as what it was. These are in most
// records; the others' texts are read again, to see.
bool has_certain_text(ldns_rdf_type kind) noexcept {
  switch (kind) {
    case LDNS_RDF_TYPE_A:
    case LDNS_RDF_TYPE_AAAA:
    case LDNS_RDF_TYPE_INT16:
    case LDNS_RDF_TYPE_INT32:
    case LDNS_RDF_TYPE_PERIOD:
    case LDNS_RDF_TYPE_STR: return true;
    default: return false;
  }
}

std::vector<std::byte> data_of(ldns_rr const* of) {
  std::vector<std::byte> data;
  for (std::size_t i = 0; i < ::ldns_rr_rd_count(of); ++i) {
    ldns_rdf const* const field = ::ldns_rr_rdf(of, i);
    auto const* const bytes = reinterpret_cast<std::byte const*>(::ldns_rdf_data(field));
    data.insert(data.end(), bytes, bytes + ::ldns_rdf_size(field));
  }
  return data;
}

bool is_read_as(std::string_view text, type of, std::span<std::byte const> data) {
  auto const line = fmt::format(". IN TYPE{} {}", static_cast<unsigned>(of), text);
  ldns_rr* read = nullptr;
  auto const status = ::ldns_rr_new_frm_str(&read, line.c_str(), 0, nullptr, nullptr);
  ldns_pointer<ldns_rr> const parsed(read);
  if (status == LDNS_STATUS_MEM_ERR) throw std::bad_alloc();
  return status == LDNS_STATUS_OK && std::ranges::equal(data_of(read), data);
}

// The name that a line begins with, as read_name takes it; empty for one that means the root, and
// for what is none, which ldns refuses.
std::string_view owner_in(std::string_view line) noexcept {
  std::size_t size = 0;
  while (size < line.size() && line[size] != ' ' && line[size] != '\t') {
    if (std::string_view(";()").find(line[size]) != std::string_view::npos) return {};
    size += line[size] == '\\' ? 2 : 1;
  }
  auto const owner = line.substr(0, size);
  return owner == "@" ? std::string_view() : owner;
}

// What RFC 3597 says for data whose form is not known.
std::string generic_text(std::span<std::byte const> data) {
  std::string text = fmt::format("\\# {}", data.size());
  if (!data.empty()) text += ' ';
  for (std::byte const value : data)
    fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(value));
  return text;
}

}  // namespace

void record_data_reader::read(wire_reader& message, std::size_t size, record& record) {
  if (size > message.left()) message.refuse(what, "the message ends before it does");
  std::size_t const end = message.at() + size;
  auto const* const form = ::ldns_rr_descript(static_cast<std::uint16_t>(record.type));
  std::string text;
  bool has_text = size != 0;
  bool is_certain = true;
  bool const stands_for_many = size == 0 && is_of_no_one(record.record_class);
  for (std::size_t index = 0; index < ::ldns_rr_descriptor_maximum(form) && !stands_for_many;
       ++index) {
    if (message.at() == end && index >= ::ldns_rr_descriptor_minimum(form)) break;
    if (index != 0) text += ' ';
    auto const kind = field_kind(form, index, record.type);
    if (kind == LDNS_RDF_TYPE_DNAME) {
      auto const name = message.name("a name in the data of a record");
      if (message.at() > end) message.refuse(what, "a name in it ends behind it");
      record.rdata.insert(record.rdata.end(), name.bytes().begin(), name.bytes().end());
      auto const name_text = name.text();
      // To ldns, these have a meaning of their own.
      has_text = has_text && !name_text.starts_with('@') && name_text.find('"') == name_text.npos;
      text += name_text;
      continue;
    }
    auto const rest = message.rest().first(end - message.at());
    auto const taken = field_size(kind, rest);
    if (taken > rest.size()) message.refuse(what, "a field in it ends behind it");
    auto const bytes = message.bytes(taken, what);
    record.rdata.insert(record.rdata.end(), bytes.begin(), bytes.end());
    has_text =
        has_text && (bytes.empty() || (may_have_text(kind, bytes) && append(text, kind, bytes)));
    is_certain = is_certain && has_certain_text(kind);
  }
  if (message.at() != end) message.refuse(what, "it goes on behind its last field");
  while (text.ends_with(' ')) text.pop_back();  // ldns ends lists of types with one
  has_text = has_text && (is_certain || is_read_as(text, record.type, record.rdata));
  record.data = has_text ? std::move(text) : generic_text(record.rdata);
}

bool record_data_reader::append(std::string& text, ldns_rdf_type kind,
                                std::span<std::byte const> bytes) {
  if (kind == LDNS_RDF_TYPE_A) {  // most of what is ever asked for, and no more than this
    text += net::address::v4(bytes.first<4>()).to_string();
    return true;
  }
  if (!buffer_) buffer_.reset(::ldns_buffer_new(LDNS_MIN_BUFLEN));
  if (!buffer_) throw std::bad_alloc();
  ::ldns_buffer_clear(buffer_.get());
  buffer_->_status = LDNS_STATUS_OK;  // which clearing leaves as it was
  // ldns only looks at it.
  ldns_rdf const field{bytes.size(), kind, const_cast<std::byte*>(bytes.data())};
  auto const status = ::ldns_rdf2buffer_str(buffer_.get(), &field);
  if (status == LDNS_STATUS_MEM_ERR) throw std::bad_alloc();
  if (status != LDNS_STATUS_OK) return false;
  text.append(reinterpret_cast<char const*>(::ldns_buffer_begin(buffer_.get())),
              ::ldns_buffer_position(buffer_.get()));
  return true;
}

}  // namespace detail

namespace net::dns {

record record::parse(std::string_view line) {
  using detail::throw_unreadable;
  constexpr auto kind = "DNS record";
  if (line.find_first_of(std::string_view("\n\0", 2)) != line.npos)
    throw_unreadable(line, kind, "it is one line");
  // ldns has no room for the text of every name. It gets another, and reads the rest.
  auto const owner = detail::owner_in(line);
  detail::wire_name name;
  if (!owner.empty())
    if (auto const* reason = detail::read_name(owner, name)) throw_unreadable(line, kind, reason);
  auto const rest = std::string(owner.empty() ? "" : ".") += line.substr(owner.size());
  ldns_rr* read = nullptr;
  auto const status = ::ldns_rr_new_frm_str(&read, rest.c_str(), 0, nullptr, nullptr);
  detail::ldns_pointer<ldns_rr> const parsed(read);
  if (status == LDNS_STATUS_MEM_ERR) throw std::bad_alloc();
  if (status != LDNS_STATUS_OK) throw_unreadable(line, kind, ::ldns_get_errorstr_by_id(status));
  // ldns takes TYPE65537 and CLASS65537, and their low bits would be another's number.
  if (::ldns_rr_get_type(read) < 1 || ::ldns_rr_get_type(read) > 65'535)
    throw_unreadable(line, kind, "its type is not known");
  if (::ldns_rr_get_class(read) > 65'535) throw_unreadable(line, kind, "its class is not known");

  if (::ldns_rr_get_type(read) == LDNS_RR_TYPE_NSAP_PTR)
    throw_unreadable(line, kind, "NSAP-PTR is read from messages only");

  record result;
  result.name = name.text();
  result.type = static_cast<dns::type>(::ldns_rr_get_type(read));
  result.record_class = static_cast<dns::record_class>(::ldns_rr_get_class(read));
  result.ttl = std::chrono::seconds(std::min(::ldns_rr_ttl(read), 0x7fff'ffffu));
  auto const data = detail::data_of(read);
  try {
    detail::wire_reader reader(data);
    detail::record_data_reader().read(reader, data.size(), result);
  } catch (malformed const&) {
    throw_unreadable(line, kind, "its data has not the form of its type");
  }
  return result;
}

std::string record::to_string() const {
  return fmt::format("{} {} {} {} {}", name, ttl.count(), dns::to_string(record_class),
                     dns::to_string(type), data);
}

}  // namespace net::dns

}  // namespace weft::inline v0
