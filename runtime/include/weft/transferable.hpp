// transferable: which values may travel between processes, and how a type joins them.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

// For a type with msgpack adaptors of its own (msgpack::adaptor::pack, convert): say
//   template <> inline constexpr bool weft::has_codec<point> = true;
template <class T>
inline constexpr bool has_codec = false;

namespace detail {

template <class T>
concept has_msgpack_members = requires { &T::template msgpack_pack<int>; } ||
                              requires(T const& value, int& packer) { value.msgpack_pack(packer); };

template <class T>
concept number = std::is_arithmetic_v<T> && sizeof(T) <= 8 && !std::is_same_v<T, char8_t> &&
                 !std::is_same_v<T, char16_t> && !std::is_same_v<T, char32_t>;

template <class T>
inline constexpr bool travels =
    number<T> || std::is_enum_v<T> || has_codec<T> || has_msgpack_members<T>;

template <>
inline constexpr bool travels<std::string> = true;
template <>
inline constexpr bool travels<std::filesystem::path> = true;
template <>
inline constexpr bool travels<std::monostate> = true;
template <class Rep, class Period>
inline constexpr bool travels<std::chrono::duration<Rep, Period>> = std::is_arithmetic_v<Rep>;
template <class Clock, class Duration>
inline constexpr bool travels<std::chrono::time_point<Clock, Duration>> = true;
template <class T>
inline constexpr bool travels<std::optional<T>> = travels<T>;
template <class... T>
inline constexpr bool travels<std::variant<T...>> = (travels<T> && ...);
template <class A, class B>
inline constexpr bool travels<std::pair<A, B>> = travels<A> && travels<B>;
template <class... T>
inline constexpr bool travels<std::tuple<T...>> = (travels<T> && ...);
template <class T, std::size_t Size>
inline constexpr bool travels<std::array<T, Size>> = travels<T>;
template <class T, class A>
inline constexpr bool travels<std::vector<T, A>> = travels<T>;
template <class T, class A>
inline constexpr bool travels<std::deque<T, A>> = travels<T>;
template <class T, class A>
inline constexpr bool travels<std::list<T, A>> = travels<T>;
template <class T, class A>
inline constexpr bool travels<std::forward_list<T, A>> = travels<T>;
template <class T, class C, class A>
inline constexpr bool travels<std::set<T, C, A>> = travels<T>;
template <class T, class C, class A>
inline constexpr bool travels<std::multiset<T, C, A>> = travels<T>;
template <class T, class H, class E, class A>
inline constexpr bool travels<std::unordered_set<T, H, E, A>> = travels<T>;
template <class K, class T, class C, class A>
inline constexpr bool travels<std::map<K, T, C, A>> = travels<K> && travels<T>;
template <class K, class T, class C, class A>
inline constexpr bool travels<std::multimap<K, T, C, A>> = travels<K> && travels<T>;
template <class K, class T, class H, class E, class A>
inline constexpr bool travels<std::unordered_map<K, T, H, E, A>> = travels<K> && travels<T>;
template <class T>
inline constexpr bool travels<std::unique_ptr<T>> = travels<T>;
template <class T>
inline constexpr bool travels<std::shared_ptr<T>> = travels<T>;

}  // namespace detail

// Numbers, enumerations, strings, std::byte, chrono's durations and time points, paths; of these
// the standard containers, optional, pair, tuple, variant, unique_ptr and shared_ptr (whose objects
// are copied); ends of an ipc::queue or ipc::pipe; and structs that say MSGPACK_DEFINE(members...),
// see <msgpack.hpp>. Pointers and views are not: what they point to stays behind. Values travel as
// msgpack.
template <class T>
concept transferable = detail::travels<T>;

}  // namespace weft::inline v0
