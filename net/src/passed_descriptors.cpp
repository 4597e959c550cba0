// See passed_descriptors.hpp.
#include "passed_descriptors.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace weft::inline v0::detail {

void require_passable(std::span<int const> descriptors) {
  if (descriptors.size() > passed_max)
    throw std::invalid_argument(fmt::format(
        "weft: {} descriptors in one message; at most {} can go", descriptors.size(), passed_max));
}

void control_messages::attach(msghdr& to, std::span<int const> descriptors) noexcept {
  if (descriptors.empty()) return;
  to.msg_control = bytes_.data();
  to.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  std::memset(bytes_.data(), 0, to.msg_controllen);
  cmsghdr* const rights = CMSG_FIRSTHDR(&to);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
}

// The kernel first tells who sent it, where it was asked to. Not padded, since it would fill the
// padding, too.
void control_messages::make_room(msghdr& in, std::size_t descriptors) noexcept {
  in.msg_control = bytes_.data();
  in.msg_controllen =
      CMSG_SPACE(sizeof(ucred)) + CMSG_LEN(sizeof(int) * std::min(descriptors, passed_max));
}

namespace {

// Yields how many came.
std::size_t take_descriptors(cmsghdr const& rights, std::span<descriptor> places) noexcept {
  std::size_t const count = (rights.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(&rights) + i * sizeof number, sizeof number);
    auto passed = descriptor::adopt(number);
    if (i < places.size()) places[i] = std::move(passed);
  }
  return count;
}

}  // namespace

brought take_from(msghdr& message, std::span<descriptor> places) noexcept {
  brought taken;
  taken.descriptors_lost = (message.msg_flags & MSG_CTRUNC) != 0;
  for (auto* told = CMSG_FIRSTHDR(&message); told != nullptr; told = CMSG_NXTHDR(&message, told)) {
    if (told->cmsg_level != SOL_SOCKET) continue;
    if (told->cmsg_type == SCM_RIGHTS) {
      std::size_t const count = take_descriptors(*told, places);
      taken.descriptors = std::min(count, places.size());
      if (count > places.size()) taken.descriptors_lost = true;
    } else if (told->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(told), sizeof sender);
      taken.sender = net::credentials{.pid = sender.pid, .uid = sender.uid, .gid = sender.gid};
    }
  }
  return taken;
}

}  // namespace weft::inline v0::detail
