// The one error type: codes, exit codes, and a message of three parts (where: what; what to do). A failure of the world
// or of the user throws Error. An expected outcome is a value. A bug in moebius fails MOEBIUS_CHECK (base/check.h). The
// library never prints and never exits.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "moebius/export.h"

namespace moebius {

// The kind of failure. The codes are fine enough for a test to tell one bad input from another.
enum class ErrorCode {
  // Bad data. The exit code is 65.
  kHeaderTooSmall,
  kHeaderTooLarge,
  kInvalidHeader,
  kTruncated,
  kInvalidJson,
  kJsonDepth,
  kDuplicateKey,
  kBadMetadata,
  kUnknownDtype,
  kBadShape,
  kSizeOverflow,
  kBadOffsets,
  kOverlap,
  kHole,
  kTrailingBytes,
  kMisaligned,
  kTooManyTensors,
  kMissingTensor,
  kUnknownTensor,
  kBadTensor,  // dtype or shape is not what the config asks for
  kMissingShard,
  kPathEscape,
  kNotRegularFile,
  kBadConfig,
  kBadTokenizer,     // tokenizer.json is damaged, or asks for what no model of these families has
  kBadTemplate,      // the chat template does not parse, or does what a template cannot
  kTemplateLimit,    // rendering took more steps, bytes or levels than any honest template
  kBadConversation,  // the chat template refuses these messages, or they are not messages
  kUnsupported,
  kNonFinite,
  // Missing input. The exit code is 66.
  kMissingInput,
  kUnreadable,
  // The exit codes of these are beside them.
  kIo,           // 1: a read or write failed
  kExists,       // 1: the output is there already
  kUsage,        // 2: a flag or argument is wrong
  kUnavailable,  // 69: memory, port, device, instruction set
  kInternal,     // 70: our bug
  kInterrupted,  // 130
};

// Returns the spelling of a code in tests, logs and --json, such as "header_too_small".
MOEBIUS_API std::string_view name(ErrorCode code);

// Returns the exit code of a program that ends with this error: 1, 2, 65, 66, 69, 70 or 130.
MOEBIUS_API int exit_code(ErrorCode code);

class MOEBIUS_API Error : public std::runtime_error {
 public:
  // where: the file, tensor, field or flag. what: what was expected and what was there. hint: what to do; may be empty.
  Error(ErrorCode code, const std::string& where, const std::string& what, std::string hint = "");

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

}  // namespace moebius
