// What every Weft coroutine's promise has in common: whom it returns to, the chain it belongs to,
// and the line it waits at. And the owner of a coroutine frame.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include "weft/detail/frame.hpp"

namespace weft::inline v0 {

template <class T>
class task;

namespace detail {

struct chain;
struct promise_base;
template <class T>
class task_awaiter;

// Owns one coroutine frame.
class WEFT_TRIVIAL_ABI frame_owner {
 public:
  frame_owner() noexcept = default;
  explicit frame_owner(promise_base& promise) noexcept : promise_(&promise) {}
  frame_owner(frame_owner&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
  frame_owner& operator=(frame_owner&& other) noexcept {
    frame_owner old(std::move(other));
    std::swap(promise_, old.promise_);
    return *this;
  }
  ~frame_owner();

  [[nodiscard]] promise_base* get() const noexcept { return promise_; }
  promise_base* release() noexcept { return std::exchange(promise_, nullptr); }

  // Where a coroutine that awaits the frame holds it.
  [[nodiscard]] promise_base*& place() noexcept { return promise_; }

 private:
  promise_base* promise_ = nullptr;
};

// Destroys a frame that has not run to its end: a chain suspended below it goes first, leaf first;
// frames that never started and hold each other as parameters recurse to a limited depth only.
WEFT_API void destroy_unfinished(promise_base& promise) noexcept;

// Where control goes next: by symmetric transfer, or through the pump of the loop.
inline std::coroutine_handle<> transfer(chain& within, std::coroutine_handle<> to) noexcept;

// Notes that the chain's first coroutine has ended; control returns to the loop.
inline void end_chain(chain& ended) noexcept;

template <class Awaiter>
concept weft_awaiter = requires { typename std::remove_cvref_t<Awaiter>::weft_awaiter; };

template <class T>
concept has_member_co_await =
    requires(T&& awaitable) { std::forward<T>(awaitable).operator co_await(); };

template <class Awaitable>
decltype(auto) get_awaiter(Awaitable&& awaitable) {
  if constexpr (has_member_co_await<Awaitable>)
    return std::forward<Awaitable>(awaitable).operator co_await();
  else
    return std::forward<Awaitable>(awaitable);
}

template <class Awaitable>
using awaiter_type = decltype(get_awaiter(std::declval<Awaitable>()));

// What `co_await` of the awaitable yields.
template <class Awaitable>
using await_result =
    decltype(std::declval<std::add_lvalue_reference_t<awaiter_type<Awaitable>>>().await_resume());

struct final_awaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    return ended.promise().finish();
  }
  void await_resume() const noexcept {}
};

struct promise_base : framed {
  promise_base* parent = nullptr;   // who awaits this coroutine; null for the first of a chain
  chain* within = nullptr;          // null while nobody awaits it
  promise_base** holder = nullptr;  // where the one who awaits it, or last did, points to the frame
  std::source_location where = {};  // the co_await it is suspended at
  std::exception_ptr error;

  promise_base() noexcept = default;
  promise_base(promise_base const&) = delete;
  promise_base& operator=(promise_base const&) = delete;

  // Clang and GCC place the promise behind two pointers, whatever its type, as long as that type
  // needs no stricter alignment (see promised).
  [[nodiscard]] std::coroutine_handle<> self() noexcept {
    return std::coroutine_handle<promise_base>::from_promise(*this);
  }

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  // By value, so that no empty task stays behind in the frame. Defined in weft/task.hpp.
  template <class T>
  task_awaiter<T> await_transform(
      task<T> awaited, std::source_location line = std::source_location::current()) noexcept;

  template <class Awaitable>
  decltype(auto) await_transform(
      Awaitable&& awaitable,
      std::source_location line = std::source_location::
          current()) noexcept(noexcept(get_awaiter(std::forward<Awaitable>(awaitable)))) {
    static_assert(weft_awaiter<awaiter_type<Awaitable>>,
                  "weft: a Weft coroutine can await only what Weft can resume, cancel and show: "
                  "tasks (as rvalues: co_await std::move(t)), operations, handles. Bring a foreign "
                  "callback in through weft::event or a channel's remote sender.");
    where = line;
    return get_awaiter(std::forward<Awaitable>(awaitable));
  }

  std::coroutine_handle<> finish() noexcept {
    if (parent != nullptr) [[likely]]
      return transfer(*within, parent->self());
    end_chain(*within);
    return std::noop_coroutine();
  }

  // Makes this coroutine the one that `awaiting` waits for.
  std::coroutine_handle<> enter_from(promise_base& awaiting, promise_base*& held) noexcept {
    parent = &awaiting;
    within = awaiting.within;
    holder = &held;
    return transfer(*within, self());
  }

  // Hands control back while the coroutine goes on later, perhaps on another chain: until then it
  // is awaited by nobody and belongs to no chain.
  std::coroutine_handle<> leave() noexcept {
    chain& left = *std::exchange(within, nullptr);
    return transfer(left, std::exchange(parent, nullptr)->self());
  }

  // Whether it has begun, so that it may have locals. The first of a chain counts from the start.
  [[nodiscard]] bool started() const noexcept { return within != nullptr || holder != nullptr; }

 protected:
  ~promise_base() = default;
};

template <class Promise>
concept weft_promise = std::derived_from<Promise, promise_base>;

// What a coroutine may yield.
template <class T>
concept promised = std::is_void_v<T> || std::is_reference_v<T> || alignof(T) <= 2 * sizeof(void*);

inline frame_owner::~frame_owner() {
  if (promise_ == nullptr) return;
  if (promise_->self().done()) [[likely]]
    promise_->self().destroy();
  else
    destroy_unfinished(*promise_);
}

}  // namespace detail
}  // namespace weft::inline v0

#define WEFT_ASSERT_PROMISE(Promise)                                                        \
  static_assert(::weft::detail::weft_promise<Promise>,                                      \
                "weft: this can be awaited only inside a Weft coroutine (weft::task<T> or " \
                "weft::generator<T>)")
