// Messages for failed system calls.
#include "base/io_error.h"

#include <cerrno>
#include <system_error>

#include "moebius/error.h"

namespace moebius::internal {

std::string io_message(int error) { return std::system_category().message(error); }

void throw_io_error(const std::filesystem::path& path, const std::string& what, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT;
  throw Error(ErrorCode::kIo, path.string(), what + ": " + io_message(error),
              is_full ? "free some space or write to another disk" : "");
}

}  // namespace moebius::internal
