#include "harness/elf_file.h"

#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <link.h>

namespace vwsi::testing {

ElfFile::ElfFile(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    const std::string image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (image.size() < sizeof(ElfW(Ehdr)) || memcmp(image.data(), ELFMAG, SELFMAG) != 0)
        return;
    const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(image.data());
    const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(image.data() + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; ++i) {
        const char* const strings = image.data() + sections[sections[i].sh_link].sh_offset;
        if (sections[i].sh_type == SHT_DYNSYM) {
            const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(image.data() + sections[i].sh_offset);
            for (size_t j = 0; j < sections[i].sh_size / sizeof(ElfW(Sym)); ++j) {
                const bool defined = symbols[j].st_shndx != SHN_UNDEF && symbols[j].st_shndx != SHN_ABS;
                if (defined && (symbols[j].st_info >> 4) != STB_LOCAL)
                    exports.emplace_back(strings + symbols[j].st_name);
            }
        } else if (sections[i].sh_type == SHT_DYNAMIC) {
            const auto* entries = reinterpret_cast<const ElfW(Dyn)*>(image.data() + sections[i].sh_offset);
            for (size_t j = 0; j < sections[i].sh_size / sizeof(ElfW(Dyn)); ++j) {
                if (entries[j].d_tag == DT_NEEDED)
                    needed.emplace_back(strings + entries[j].d_un.d_val);
            }
        }
    }
}

} // namespace vwsi::testing
