// See checkpoint/foreign_files.h. The kinds are a table, and its order is that of what explains most.
#include "checkpoint/foreign_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/published_models.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdapterConfig = "adapter_config.json";

struct Kind {
  std::string_view head;  // how the name of a file begins
  std::string_view tail;  // and ends
  std::string_view what;
  std::string_view hint;  // addition() may follow
};

constexpr std::string_view kUnfinished = "is a download that was not finished";
constexpr std::string_view kFinish = "finish the download";
constexpr std::string_view kPickle = "is a pickle of PyTorch";
constexpr std::string_view kNoPickles =
    "a pickle can run programs and is never read: take the safetensors files of the model, or load it with "
    "transformers and save it";
constexpr std::string_view kAdapter = "is an adapter without its model";
constexpr std::string_view kMerge =
    "merge it into its base model (mlx_lm.fuse, or merge_and_unload of peft) and give the result";

constexpr std::array kKinds = {
    Kind{"", ".incomplete", kUnfinished, kFinish},
    Kind{"", ".aria2", kUnfinished, kFinish},
    Kind{"", ".part", kUnfinished, kFinish},
    Kind{"", ".partial", kUnfinished, kFinish},
    Kind{"", ".crdownload", kUnfinished, kFinish},
    Kind{"", ".gguf", "is GGUF, the format of llama.cpp",
         "take the safetensors files of the model: the original or an MLX conversion"},
    Kind{"adapter", ".safetensors", kAdapter, kMerge},
    Kind{"adapter", ".bin", kAdapter, kMerge},
    Kind{"adapter_config", ".json", kAdapter, kMerge},
    Kind{"", ".bin", kPickle, kNoPickles},
    Kind{"", ".pt", kPickle, kNoPickles},
    Kind{"", ".pth", kPickle, kNoPickles},
    Kind{"", ".npz", "is of an old MLX", "convert the model again (mlx_lm.convert)"},
    Kind{"", ".safetensors", "is not named like weights",
         "name it model.safetensors if it has all weights of this model"},
};

bool is_of(std::string_view name, const Kind& kind) { return name.starts_with(kind.head) && name.ends_with(kind.tail); }

// Returns the names of the files in the directory, and of the downloads that huggingface_hub keeps elsewhere.
std::set<std::string> files_in(const fs::path& directory) {
  std::set<std::string> names;
  const auto add = [&](const fs::path& folder, std::string_view tail) {
    std::error_code failed;  // a folder that cannot be read adds nothing
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
      std::string name = at->path().filename().string();
      if (name.ends_with(tail) && !is_weights(name)) names.insert(std::move(name));
    }
  };
  add(directory, "");
  add(directory / ".cache/huggingface/download", ".incomplete");
  const fs::path snapshots = directory.parent_path();
  if (snapshots.filename() == "snapshots") add(snapshots.parent_path() / "blobs", ".incomplete");
  return names;
}

// Returns the name of a link whose file is gone, as when blobs were deleted; "" when there is none.
std::string broken_link_in(const fs::path& directory) {
  std::error_code failed;
  for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code ignored;  // a file that cannot be examined counts as missing
    if (at->is_symlink(ignored) && !at->exists(ignored)) return at->path().filename().string();
  }
  return "";
}

// Returns " (NAME)" for the base model that an adapter names, and "" when it names none.
std::string base_of_adapter(const fs::path& directory) {
  try {
    const fs::path path = contained_path(directory, kAdapterConfig);
    const JsonLimits limits{.max_bytes = 1 << 20, .max_values = 1 << 16};
    const Json json = parse_json(read_text(path, limits.max_bytes), path.string(), limits);
    const JsonObject config(json, path.string());
    for (const char* key : {"base_model_name_or_path", "model"}) {  // of peft, of mlx-lm
      if (config.has(key)) return ": it is " + in_quotes(config.string(key));
    }
  } catch (const Error&) {
    return "";  // the caller has a failure to tell already
  }
  return "";
}

std::string with_command(std::string_view hint, const fs::path& directory) {
  const std::string command = download_command_into(directory);
  return command.empty() ? std::string(hint) : fmt::format("{}: `{}`", hint, command);
}

std::string hint_of(const Kind& kind, const fs::path& directory) {
  if (kind.what == kUnfinished) return with_command(kind.hint, directory);
  return std::string(kind.hint) + (kind.what == kAdapter ? base_of_adapter(directory) : "");
}

}  // namespace

bool is_weights(std::string_view name) { return name.starts_with("model") && name.ends_with(".safetensors"); }

std::optional<ForeignFiles> find_foreign_files(const fs::path& directory) {
  if (const std::string link = broken_link_in(directory); !link.empty()) {
    return ForeignFiles{fmt::format("has {}, which is a link to nothing", in_quotes(link)),
                        with_command("fetch the file again", directory)};
  }
  const std::set<std::string> names = files_in(directory);
  for (const Kind& kind : kKinds) {
    const auto found = std::ranges::find_if(names, [&](const std::string& name) { return is_of(name, kind); });
    if (found == names.end()) continue;
    return ForeignFiles{fmt::format("has {}, which {}", in_quotes(*found), kind.what), hint_of(kind, directory)};
  }
  return std::nullopt;
}

std::string advice_for_file(const fs::path& file) {
  const std::string name = file.filename().string();
  const auto kind = std::ranges::find_if(kKinds, [&](const Kind& k) { return is_of(name, k); });
  if (kind == kKinds.end() || kind->tail == ".safetensors") return "give the directory that holds config.json";
  return fmt::format("it {}: {}", kind->what, hint_of(*kind, file.parent_path()));
}

}  // namespace moebius::internal
