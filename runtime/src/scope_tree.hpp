// Walks over the tree of cancel scopes: cancelling, stopping, dumping.
#pragma once

#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

struct scope_tree {
  // Calls visit(scope, depth) for `root` and all below it, parents first, siblings in the order of
  // their creation; it says whether to go on below that scope. Iterative, because scopes may nest a
  // million deep.
  template <class Visit>
  static void walk(cancel_scope& root, Visit visit) {
    cancel_scope* at = &root;
    std::size_t depth = 0;
    for (;;) {
      if (visit(*at, depth) && at->first_child_ != nullptr) {
        at = at->first_child_;
        ++depth;
        continue;
      }
      while (at != &root && at->next_ == nullptr) {
        at = at->parent_;
        --depth;
      }
      if (at == &root) return;
      at = at->next_;
    }
  }

  // Marks the scopes as cancelled, up to shields unless these are to be broken, and asks what is in
  // flight in them to end. Nothing is resumed here, so the tree does not change.
  static void cancel_below(cancel_scope& root, bool through_shields) noexcept {
    walk(root, [&](cancel_scope& scope, std::size_t) {
      if (scope.shielded_ && &scope != &root && !through_shields) return false;
      if (scope.cancelled_) return through_shields;
      scope.cancelled_ = true;
      chain& within = *scope.chain_;
      if (within.scope == &scope && within.pending != nullptr &&
          within.pending->current_phase() == operation::phase::waiting)
        within.pending->cancel();
      return true;
    });
  }

  static void cancel_through_shields(cancel_scope& root) noexcept { cancel_below(root, true); }

  static void stop_below(cancel_scope& root) noexcept {
    walk(root, [](cancel_scope& scope, std::size_t) {
      if (scope.stop_) return false;
      scope.stop_ = true;
      if (scope.cancel_on_stop_) scope.cancel();
      return true;
    });
  }

  static chain& chain_of(cancel_scope& scope) noexcept { return *scope.chain_; }
};

}  // namespace weft::inline v0::detail
