// The input is a chat template up to the first NUL byte, and the messages as JSON behind it.
#include <algorithm>

#include "only_error.h"
#include "template/chat_template.h"

using namespace moebius;
using namespace moebius::internal;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return only_error([&] {
    const std::string_view bytes = as_text(data, size);
    const size_t cut = std::min(bytes.find('\0'), bytes.size());
    const jinja::Template parsed = jinja::Template::parse(bytes.substr(0, cut), "fuzz");
    Json messages = Json::array({{{"role", "user"}, {"content", "Hi <|im_end|> \xc3\xa9"}}});
    if (cut + 1 < bytes.size()) messages = parse_json(bytes.substr(cut + 1), "fuzz");
    jinja::Budget budget({.steps = 200'000, .output_bytes = 1 << 20});
    const jinja::Variables variables = {{"messages", from_json(messages, jinja::Origin::kUser)},
                                        {"bos_token", from_json("<s>", jinja::Origin::kTemplate)}};
    const MarkedText out = parsed.render(variables, budget, {});
    require(out.text.size() <= (1 << 20) && budget.steps_used() <= 200'000);
    size_t end = 0;
    for (const ByteRange& range : out.user) {
      require(range.begin < range.end && (range.begin > end || end == 0) && range.end <= out.text.size());
      end = range.end;
    }
  });
}
