// For tests only: rendering in one line.
#pragma once

#include <string>

#include "template/jinja/template.h"

namespace moebius::internal::testing {

// 4 July 2026, 09:05:03, a Saturday: the moment at which the goldens were made.
inline std::tm standing_clock() {
  std::tm now = {};
  now.tm_year = 126;
  now.tm_mon = 6;
  now.tm_mday = 4;
  now.tm_hour = 9;
  now.tm_min = 5;
  now.tm_sec = 3;
  now.tm_wday = 6;
  now.tm_yday = 184;
  return now;
}

// Every member of a JSON object is a variable.
inline jinja::Variables variables_of(const Json& object, jinja::Origin origin) {
  jinja::Variables out;
  for (const auto& [name, value] : object.items()) out.emplace_back(name, jinja::from_json(value, origin));
  return out;
}

inline MarkedText render(const std::string& source, const Json& object, jinja::Origin origin = jinja::Origin::kUser) {
  jinja::Budget budget(jinja::Limits::for_input(1 << 20));
  return jinja::Template::parse(source, "test").render(variables_of(object, origin), budget, standing_clock());
}

}  // namespace moebius::internal::testing
