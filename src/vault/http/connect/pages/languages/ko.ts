import type { Texts } from "./texts.ts";

/** Particles change with the sound before them, so they follow a noun of ours, or are such as never change. */
export const ko: Texts = {
  confirmTitle: "{provider} 계정을 {app}에 연결할까요?",
  confirmLead: "연결하면 아래 사용자로 {app}에 로그인한 사람이 이 앱을 통해 내 {provider} 계정에 접근할 수 있습니다.",
  from: "내 {provider} 계정",
  fromChosen: "다음 페이지에서 선택하는 계정",
  fromSuggested: "추천 계정입니다. 다음 페이지에서 다른 계정을 선택할 수 있습니다.",
  to: "{app} 사용자 계정",
  scopesTitle: "{app} 앱이 요청하는 권한",
  scopesAtProvider: "{app} 앱이 요청하는 권한은 다음 페이지에서 {provider} 측이 보여 드립니다.",
  lasting: "이 접근 권한은 앱을 사용하지 않는 동안에도 유지되며, {app} 또는 {provider}에서 해제하면 끝납니다.",
  againTitle: "{app}에서 {provider} 계정을 다시 사용하도록 허용할까요?",
  againLead: "{provider} 계정이 전에 {app}에 연결되어 있었습니다. {app} 앱이 연결을 갱신해 달라고 요청합니다.",
  againAccount: "전과 같은 계정",
  againOther: "전에 연결한 계정으로 로그인해 주세요. 다른 계정으로는 연결되지 않습니다.",
  againNote: "{app}에서 이 계정을 더 이상 사용하지 않기를 원하시면 취소해 주세요.",
  warningTitle: "위의 {app} 사용자 계정이 본인의 계정인가요?",
  warning:
    "다른 사람의 계정이거나 이 페이지로 온 이유를 모르신다면 취소해 주세요. 그 사용자 계정을 쓰는 사람이 내 계정에 접근하게 될 수 있습니다.",
  continueButton: "{provider}에서 계속하기",
  cancelButton: "취소",

  continuingTitle: "{provider} 페이지로 이동합니다",
  continuingText: "이동하지 않으면 다음 링크를 눌러 주세요.",

  connectedTitle: "계정이 연결되었습니다",
  connectedText: "이 페이지를 닫고 앱으로 돌아가셔도 됩니다.",
  expiredTitle: "링크가 만료되었습니다",
  expiredText:
    "이 링크는 몇 분 동안만 사용할 수 있습니다. 앱에서 다시 시작하거나, 링크를 보낸 사람에게 새 링크를 요청해 주세요. 연결된 계정은 없습니다.",
  unknownTitle: "사용할 수 없는 링크입니다",
  unknownText:
    "링크가 완전하지 않거나 존재하지 않습니다. 앱에서 다시 시작하거나, 링크를 보낸 사람에게 새 링크를 요청해 주세요.",
  usedTitle: "이미 사용된 링크입니다",
  usedText:
    "이 링크는 한 번만 사용할 수 있습니다. 아직 계정이 연결되지 않았다면 앱에서 다시 시작하거나, 링크를 보낸 사람에게 새 링크를 요청해 주세요.",
  otherBrowserTitle: "처음 시작한 곳에서 계속해 주세요",
  otherBrowserText:
    "다른 브라우저에서 시작되어 그 브라우저에서만 마칠 수 있습니다. 링크 하나로 다른 사람의 계정을 가로채지 못하게 하기 위해서입니다. 연결된 계정은 없습니다.",
  otherPersonTitle: "다른 사람을 위한 링크입니다",
  otherPersonText:
    "여기에 로그인한 사람이 아닌 다른 사람을 위해 만들어진 링크여서 더 진행되지 않습니다. 직접 시작하셨다면 시작할 때와 같은 사람으로 로그인해 주세요. 연결된 계정은 없습니다.",
  otherAccountTitle: "다른 계정을 선택하셨습니다",
  otherAccountText:
    "앱이 이미 회원님의 다른 계정을 사용하고 있습니다. 앱으로 돌아가 다시 시작한 다음 그 계정을 선택해 주세요. 그 계정은 이전과 같이 계속 작동합니다.",
  notSameAccountText:
    "이 링크는 전에 연결했던 계정을 위한 것인데, 다른 계정으로 로그인하셨습니다. 연결된 계정은 없습니다. 앱에서 다시 시작하거나, 링크를 보낸 사람에게 새 링크를 요청한 다음 전의 계정을 선택해 주세요.",
  signInTitle: "먼저 로그인해 주세요",
  signInText:
    "이 링크는 링크를 받은 사람만 사용할 수 있습니다. 이 브라우저에서 앱에 로그인한 다음 링크를 다시 열어 주세요.",
  deniedTitle: "연결된 계정이 없습니다",
  deniedText:
    "접근이 허용되지 않았습니다. 연결을 원하시면 앱에서 다시 시작하거나, 링크를 보낸 사람에게 새 링크를 요청해 주세요.",
  failedTitle: "계정을 연결하지 못했습니다",
  failedText:
    "앱에서 다시 시작하거나, 링크를 보낸 사람에게 새 링크를 요청해 주세요. 계속 실패하면 아래 메시지를 앱 고객 지원에 알려 주세요.",
  backButton: "앱으로 돌아가기",
  detailTitle: "메시지",

  scopeSubject: "어떤 계정인지 확인",
  scopeEmail: "이메일 주소 보기",
  scopeProfile: "이름과 사진 보기",
  scopeDriveAppFolder: "Google Drive의 전용 폴더에 앱 데이터 보관(다른 파일에는 접근하지 않음)",
  scopeDriveFile: "이 앱에서 사용하는 Google Drive 파일 보기 및 수정",
  scopeDriveReadonly: "모든 Google Drive 파일 보기 및 다운로드",
  scopeDrive: "모든 Google Drive 파일 보기, 수정 및 삭제",
};
