// The region of a program that shares one cancellation request. Scopes form a tree: a request
// reaches every scope below, except through a shield. It is level-triggered: from the request until
// the scope is left, each operation started in it throws weft::cancelled.
#pragma once

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

namespace detail {
struct chain;
struct scope_tree;
}  // namespace detail

// Scopes are entered through functions that take the body: weft::cancellable, weft::shield,
// weft::until_stop, weft::with_timeout, weft::scope. All of it belongs to the thread of one loop.
class WEFT_API cancel_scope {
 public:
  cancel_scope(cancel_scope const&) = delete;
  cancel_scope& operator=(cancel_scope const&) = delete;

  // Requests that everything in the scope ends now: operations in flight are asked to end, and each
  // later one throws weft::cancelled. Asking again changes nothing.
  void cancel() noexcept;

  // Advises everything in the scope to finish: weft::stop_requested() becomes true there, and
  // bodies inside weft::until_stop are cancelled.
  void request_stop() noexcept;

  // True once this scope, or one above it that no shield hides, was asked to cancel.
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }

  // True once this scope itself was asked to cancel, by cancel() or by its timeout.
  [[nodiscard]] bool cancel_requested() const noexcept { return requested_; }

  [[nodiscard]] bool stop_requested() const noexcept { return stop_; }

 protected:
  // The scope of a chain itself (`parent` null for the root chain), or one entered by it.
  cancel_scope(detail::chain& within, cancel_scope* parent) noexcept
      : chain_(&within), parent_(parent) {
    if (parent != nullptr) enter();
  }
  ~cancel_scope() { leave(); }

  // Leaves the tree; done by the destructor if not before.
  void leave() noexcept {
    if (parent_ == nullptr) return;
    cancel_scope*& first = parent_->first_child_;
    if (next_ != nullptr)
      next_->previous_ = previous_;
    else
      first->previous_ = previous_;
    if (first == this)
      first = next_;
    else
      previous_->next_ = next_;
    parent_ = nullptr;
  }

  void shield() noexcept {
    shielded_ = true;
    cancelled_ = false;
  }
  void cancel_on_stop() noexcept { cancel_on_stop_ = true; }

  [[nodiscard]] detail::chain& chain() const noexcept { return *chain_; }
  [[nodiscard]] cancel_scope* parent() const noexcept { return parent_; }

 private:
  friend struct detail::chain;
  friend struct detail::scope_tree;

  void enter() noexcept {
    cancelled_ = parent_->cancelled_;
    stop_ = parent_->stop_;
    cancel_scope*& first = parent_->first_child_;
    if (first == nullptr) {
      first = previous_ = this;
    } else {
      previous_ = first->previous_;
      previous_->next_ = this;
      first->previous_ = this;
    }
  }

  detail::chain* chain_;
  cancel_scope* parent_;
  cancel_scope* first_child_ = nullptr;
  cancel_scope* next_ = nullptr;      // the sibling that came later
  cancel_scope* previous_ = nullptr;  // the one before; the first child's is the last child
  bool cancelled_ = false;
  bool requested_ = false;
  bool stop_ = false;
  bool shielded_ = false;
  bool cancel_on_stop_ = false;
};

}  // namespace weft::inline v0
