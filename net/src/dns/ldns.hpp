// ldns, in a form that C++ can live with. Only the sources of dns include it.
#pragma once

#include <stdbool.h>  // else ldns/common.h makes a macro of bool

#include <cstdlib>
#include <memory>

#include <ldns/ldns.h>

namespace weft::inline v0::detail {

// Gives back what ldns has made.
struct ldns_deleter {
  void operator()(char* text) const noexcept { std::free(text); }
  void operator()(ldns_rdf* data) const noexcept { ::ldns_rdf_deep_free(data); }
  void operator()(ldns_rr* record) const noexcept { ::ldns_rr_free(record); }
  void operator()(ldns_buffer* buffer) const noexcept { ::ldns_buffer_free(buffer); }
};

template <class T>
using ldns_pointer = std::unique_ptr<T, ldns_deleter>;

}  // namespace weft::inline v0::detail
