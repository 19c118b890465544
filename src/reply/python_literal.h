// Reads Python's literals, which models write where JSON was asked for: {'a': None, "b": [True, (1, 2)]}. Only literals
// that have a JSON counterpart are read. JSON itself is read too, with line breaks inside strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

// Returns the literal as JSON, or none when the text is no literal or is nested deeper than 64 levels.
std::optional<std::string> python_literal_json(std::string_view text);

}  // namespace moebius::internal
