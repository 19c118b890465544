// The names of the values of AnswerEnd.
#include "moebius/request.h"

namespace moebius {

std::string_view name(AnswerEnd end) {
  switch (end) {
    case AnswerEnd::kNone:
      return "none";
    case AnswerEnd::kStop:
      return "stop";
    case AnswerEnd::kLength:
      return "length";
    case AnswerEnd::kCancelled:
      return "cancelled";
    case AnswerEnd::kFailed:
      return "failed";
  }
  return "";
}

}  // namespace moebius
