// A Jinja template as the transformers library runs chat templates: jinja2's sandbox with trim_blocks, lstrip_blocks,
// loop controls and generation blocks, its own tojson, raise_exception and strftime_now. A template is a stranger's
// program. A Budget bounds what it may do, and the bytes of its output that a user wrote are marked. This file knows
// nothing of conversations; template/chat_template.h does.
//
//   const Template hello = Template::parse("{{ greeting | upper }}!", "example");
//   Budget budget(Limits{});
//   MarkedText text = hello.render({{"greeting", from_json("hi", Origin::kUser)}}, budget, now);   // HI!
//
// The engine differs from jinja2. Integers of more than 64 bits are an error, and so is printing a function, a loop, a
// namespace or a generator. A macro that reads a variable of the template before the template first sets it sees the
// one that the caller of render() gave.
#pragma once

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/jinja/ast.h"
#include "template/jinja/budget.h"
#include "template/jinja/value.h"

namespace moebius::internal::jinja {

using Variables = std::vector<std::pair<std::string, Value>>;

// Tells when a template first reads one of its variables.
struct FirstRead {
  std::string_view variable;
  std::optional<size_t> at = {};  // bytes of output before it, the same for any value; none: it was not read
};

class Template {
 public:
  // where: the file, for messages. Throws kBadTemplate (syntax, what is not supported) with the line, or
  // kTemplateLimit (size, nesting).
  static Template parse(std::string_view source, std::string where);

  // now: local time, for strftime_now(). Throws kBadTemplate with the line, kTemplateLimit, or kBadConversation with
  // the message of raise_exception(). watched: filled when it is given.
  [[nodiscard]] MarkedText render(const Variables& variables, Budget& budget, const std::tm& now,
                                  FirstRead* watched = nullptr) const;

 private:
  Template(Script script, std::string where) : script_(std::move(script)), where_(std::move(where)) {}

  Script script_;
  std::string where_;
};

}  // namespace moebius::internal::jinja
