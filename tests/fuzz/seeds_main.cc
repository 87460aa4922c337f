// Writes the seeds of all targets: FOLDER/<target>/<number>. Without a folder it lists the targets.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/targets.h"

int main(int count, char** words) {
  for (const auto& target : crossfloor::fuzz::targets()) {
    if (count < 2) {
      std::printf("%s\n", target.name);
      continue;
    }
    const auto folder = std::filesystem::path(words[1]) / target.name;
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const auto& seed : target.seeds()) {
      std::ofstream out(folder / ("seed-" + std::to_string(number++)), std::ios::binary);
      out.write(seed.data(), static_cast<std::streamsize>(seed.size()));
    }
  }
  return 0;
}
