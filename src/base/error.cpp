// Names and exit codes of errors, and the one place where a message is put together.
#include "moebius/error.h"

#include <algorithm>
#include <iterator>

#include "base/quote.h"

namespace moebius {
namespace {

constexpr size_t kMaxPartBytes = 4096;

std::string message(const std::string& where, const std::string& what, const std::string& hint) {
  std::string text = internal::printable(where, kMaxPartBytes) + ": " + internal::printable(what, kMaxPartBytes);
  if (!hint.empty()) text += "; " + hint;
  return text;
}

struct Name {
  ErrorCode code;
  std::string_view name;
};

constexpr Name kNames[] = {
    {ErrorCode::kHeaderTooSmall, "header_too_small"},
    {ErrorCode::kHeaderTooLarge, "header_too_large"},
    {ErrorCode::kInvalidHeader, "invalid_header"},
    {ErrorCode::kTruncated, "truncated"},
    {ErrorCode::kInvalidJson, "invalid_json"},
    {ErrorCode::kJsonDepth, "json_depth"},
    {ErrorCode::kDuplicateKey, "duplicate_key"},
    {ErrorCode::kBadMetadata, "bad_metadata"},
    {ErrorCode::kUnknownDtype, "unknown_dtype"},
    {ErrorCode::kBadShape, "bad_shape"},
    {ErrorCode::kSizeOverflow, "size_overflow"},
    {ErrorCode::kBadOffsets, "bad_offsets"},
    {ErrorCode::kOverlap, "overlap"},
    {ErrorCode::kHole, "hole"},
    {ErrorCode::kTrailingBytes, "trailing_bytes"},
    {ErrorCode::kMisaligned, "misaligned"},
    {ErrorCode::kTooManyTensors, "too_many_tensors"},
    {ErrorCode::kMissingTensor, "missing_tensor"},
    {ErrorCode::kUnknownTensor, "unknown_tensor"},
    {ErrorCode::kBadTensor, "bad_tensor"},
    {ErrorCode::kMissingShard, "missing_shard"},
    {ErrorCode::kPathEscape, "path_escape"},
    {ErrorCode::kNotRegularFile, "not_regular_file"},
    {ErrorCode::kBadConfig, "bad_config"},
    {ErrorCode::kBadTokenizer, "bad_tokenizer"},
    {ErrorCode::kBadTemplate, "bad_template"},
    {ErrorCode::kTemplateLimit, "template_limit"},
    {ErrorCode::kBadConversation, "bad_conversation"},
    {ErrorCode::kUnsupported, "unsupported"},
    {ErrorCode::kNonFinite, "non_finite"},
    {ErrorCode::kMissingInput, "missing_input"},
    {ErrorCode::kUnreadable, "unreadable"},
    {ErrorCode::kIo, "io"},
    {ErrorCode::kExists, "exists"},
    {ErrorCode::kUsage, "usage"},
    {ErrorCode::kUnavailable, "unavailable"},
    {ErrorCode::kInternal, "internal"},
    {ErrorCode::kInterrupted, "interrupted"},
};

}  // namespace

Error::Error(ErrorCode code, const std::string& where, const std::string& what, std::string hint)
    : std::runtime_error(message(where, what, hint)), code_(code), hint_(std::move(hint)) {}

std::string_view name(ErrorCode code) {
  const auto* found = std::ranges::find(kNames, code, &Name::code);
  return found == std::end(kNames) ? "internal" : found->name;
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
    case ErrorCode::kExists:
      return 1;
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kMissingShard:  // to a script, a missing shard is the same as a missing checkpoint
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
