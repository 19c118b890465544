// PCRE2 objects with owners, compilation, and the walk over matches.
#include "tokenizer/regex_splitter.h"

#include <fmt/format.h>

#include <array>
#include <new>

#include "moebius/error.h"
#include "tokenizer/regex_dialect.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace moebius::internal {
namespace {

constexpr size_t kMaxPatternBytes = 4096;
// These are limits for one match. An honest pattern takes a few steps a character, and its repeats of one class take
// none.
constexpr uint32_t kMaxSteps = 10'000'000;
constexpr uint32_t kMaxDepth = 100'000;
constexpr uint32_t kMaxHeapKib = 64 << 10;
constexpr size_t kMaxStackBytes = 16 << 20;
constexpr const char* kHint = "use the tokenizer.json of the published model";

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Code = std::unique_ptr<pcre2_code, Freer<pcre2_code_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Freer<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Freer<pcre2_jit_stack_free>>;

template <typename Owner>
Owner owned(typename Owner::pointer object) {
  if (object == nullptr) throw std::bad_alloc();
  return Owner(object);
}

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

// The state of one walk over a text. All walks share the compiled code.
struct MatchState {
  MatchData data;
  JitStack stack;
  MatchContext context;
};

MatchState make_state(const pcre2_code* code) {
  MatchState state{owned<MatchData>(pcre2_match_data_create_from_pattern(code, nullptr)),
                   owned<JitStack>(pcre2_jit_stack_create(32 << 10, kMaxStackBytes, nullptr)),
                   owned<MatchContext>(pcre2_match_context_create(nullptr))};
  pcre2_set_match_limit(state.context.get(), kMaxSteps);
  pcre2_set_depth_limit(state.context.get(), kMaxDepth);
  pcre2_set_heap_limit(state.context.get(), kMaxHeapKib);
  pcre2_jit_stack_assign(state.context.get(), nullptr, state.stack.get());
  return state;
}

class RegexSplitter : public Splitter {
 public:
  RegexSplitter(Code code, std::string where) : code_(std::move(code)), where_(std::move(where)) {}

  void split(std::string_view text, PieceSink& sink) const override {
    const MatchState state = make_state(code_.get());
    const size_t* match = pcre2_get_ovector_pointer(state.data.get());
    size_t at = 0;
    while (at < text.size() && find(text, at, state)) {
      if (match[0] > at) sink.piece(text.substr(at, match[0] - at));
      sink.piece(text.substr(match[0], match[1] - match[0]));
      at = match[1];
    }
    if (at < text.size()) sink.piece(text.substr(at));
  }

 private:
  [[nodiscard]] bool find(std::string_view text, size_t at, const MatchState& state) const {
    const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                  PCRE2_NO_UTF_CHECK, state.data.get(), state.context.get());
    if (found == PCRE2_ERROR_NOMATCH) return false;
    if (found >= 0) return true;
    throw Error(ErrorCode::kBadTokenizer, where_,
                fmt::format("the pattern cannot split this text, at byte {}: {}", at, message_of(found)), kHint);
  }

  Code code_;
  std::string where_;
};

}  // namespace

std::unique_ptr<const Splitter> make_regex_splitter(const std::string& pattern, const std::string& where) {
  const auto refuse = [&](const std::string& what) { throw Error(ErrorCode::kBadTokenizer, where, what, kHint); };
  if (pattern.size() > kMaxPatternBytes) refuse(fmt::format("a pattern of {} bytes is too long", pattern.size()));
  const std::string translated = pattern_for_pcre2(pattern, where);
  const auto context = owned<CompileContext>(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  size_t error_at = 0;
  // Oniguruma's ^ and $ match at every line.
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &error_at,
                          context.get()));
  if (code == nullptr) refuse("the pattern is not a regular expression: " + message_of(error));
  uint32_t may_be_empty = 0;
  pcre2_pattern_info(code.get(), PCRE2_INFO_MATCHEMPTY, &may_be_empty);
  if (may_be_empty != 0) refuse("the pattern can match nothing, which splits nowhere");
  pcre2_jit_compile(code.get(),
                    PCRE2_JIT_COMPLETE);  // without JIT support PCRE2 interprets the pattern, with the same limits
  return std::make_unique<const RegexSplitter>(std::move(code), where);
}

}  // namespace moebius::internal
