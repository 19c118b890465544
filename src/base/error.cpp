// Names and exit codes of errors, and the one place where a message is put together.
#include "moebius/error.h"

#include "base/check.h"
#include "base/quote.h"

namespace moebius {
namespace {

constexpr size_t kMaxPartBytes = 4096;

std::string message(const std::string& where, const std::string& what, const std::string& hint) {
  std::string text = printable(where, kMaxPartBytes) + ": " + printable(what, kMaxPartBytes);
  if (!hint.empty()) text += "; " + hint;
  return text;
}

}  // namespace

Error::Error(ErrorCode code, const std::string& where, const std::string& what, std::string hint)
    : std::runtime_error(message(where, what, hint)), code_(code), hint_(std::move(hint)) {}

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kHeaderTooSmall:
      return "header_too_small";
    case ErrorCode::kHeaderTooLarge:
      return "header_too_large";
    case ErrorCode::kInvalidHeader:
      return "invalid_header";
    case ErrorCode::kTruncated:
      return "truncated";
    case ErrorCode::kInvalidJson:
      return "invalid_json";
    case ErrorCode::kJsonDepth:
      return "json_depth";
    case ErrorCode::kDuplicateKey:
      return "duplicate_key";
    case ErrorCode::kBadMetadata:
      return "bad_metadata";
    case ErrorCode::kUnknownDtype:
      return "unknown_dtype";
    case ErrorCode::kBadShape:
      return "bad_shape";
    case ErrorCode::kSizeOverflow:
      return "size_overflow";
    case ErrorCode::kBadOffsets:
      return "bad_offsets";
    case ErrorCode::kOverlap:
      return "overlap";
    case ErrorCode::kHole:
      return "hole";
    case ErrorCode::kTrailingBytes:
      return "trailing_bytes";
    case ErrorCode::kMisaligned:
      return "misaligned";
    case ErrorCode::kTooManyTensors:
      return "too_many_tensors";
    case ErrorCode::kMissingTensor:
      return "missing_tensor";
    case ErrorCode::kUnknownTensor:
      return "unknown_tensor";
    case ErrorCode::kBadTensor:
      return "bad_tensor";
    case ErrorCode::kMissingShard:
      return "missing_shard";
    case ErrorCode::kPathEscape:
      return "path_escape";
    case ErrorCode::kNotRegularFile:
      return "not_regular_file";
    case ErrorCode::kBadConfig:
      return "bad_config";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kNonFinite:
      return "non_finite";
    case ErrorCode::kMissingInput:
      return "missing_input";
    case ErrorCode::kUnreadable:
      return "unreadable";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kExists:
      return "exists";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kInterrupted:
      return "interrupted";
  }
  return "internal";
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
    case ErrorCode::kExists:
      return 1;
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kMissingShard:  // a file that should be there is not: to a script the same as a missing checkpoint
    case ErrorCode::kMissingInput:
    case ErrorCode::kUnreadable:
      return 66;
    case ErrorCode::kUnavailable:
      return 69;
    case ErrorCode::kInternal:
      return 70;
    case ErrorCode::kInterrupted:
      return 130;
    default:
      return 65;
  }
}

}  // namespace moebius
