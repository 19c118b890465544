// Python's literals, which models write where JSON was asked for: {'a': None, "b": [True, (1, 2)]}. Only what has a
// JSON counterpart; JSON itself is read too, with line breaks inside strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

// The literal as JSON; none when the text is none, or is nested deeper than 64 levels.
std::optional<std::string> python_literal_json(std::string_view text);

}  // namespace moebius::internal
