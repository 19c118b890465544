// A broken MOEBIUS_CHECK becomes an Error, so that a server can end one request instead of the process.
#include "base/check.h"

#include <string>

#include "moebius/error.h"

namespace moebius::internal {

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorCode::kInternal, std::string(file) + ":" + std::to_string(line),
              std::string("a check failed: ") + condition,
              "this is a bug in moebius: please report it with the command");
}

}  // namespace moebius::internal
